"""A minimal LoRA training loop on transformers + PEFT: the other side of the benchmark.

    peft_train.py JOB.json

Writes to the job's output: the clock at the beginning of step 1, and loss, seconds and tokens of every step.
"""

import json
import sys
import time

import torch
from padding import padded
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

job = json.load(open(sys.argv[1]))
torch.set_num_threads(job["threads"])
base = AutoModelForCausalLM.from_pretrained(job["model"], dtype=getattr(torch, job["dtype"]))
model = PeftModel.from_pretrained(base, job["adapter"], is_trainable=True).train()
tokenizer = AutoTokenizer.from_pretrained(job["model"])
rows = [json.loads(line) for line in open(job["data"], encoding="utf-8")]
examples = [tokenizer.apply_chat_template(row["messages"])[: job["max_length"]] for row in rows]
parameters = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(parameters, lr=job["learning_rate"], weight_decay=0.0)
ready = time.time()

with open(job["examples"], encoding="utf-8") as file:
    wanted = [json.loads(line) for line in file]
assert examples == [row["input_ids"] for row in wanted], "PEFT's side and Lore's see different tokens"

steps = []
for step in range(job["steps"]):
    start = time.perf_counter()
    batch = padded(wanted[step * job["batch_size"] : (step + 1) * job["batch_size"]], tokenizer.eos_token_id)
    loss = model(**batch).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    steps.append({"loss": loss.item(), "seconds": time.perf_counter() - start,
                  "tokens": int(batch["attention_mask"].sum())})
model.save_pretrained(job["saved"])
json.dump({"ready": ready, "steps": steps}, open(job["output"], "w"))
