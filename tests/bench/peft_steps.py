"""One PEFT run for the benchmark: loads, says when it is ready, then times optimizer steps.

    peft_steps.py MODEL_FOLDER ADAPTER EXAMPLES.json STEPS BATCH

Prints one JSON object: ready_seconds (from exec), step_seconds, losses, peak_rss_bytes.
"""

import json
import resource
import sys
import time

started = time.clock_gettime(time.CLOCK_MONOTONIC)
with open("/proc/self/stat") as stat:
    ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
with open("/proc/uptime") as uptime:
    age = float(uptime.read().split()[0]) - ticks / 100

import torch  # noqa: E402
from peft import PeftModel  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

folder, adapter, examples, steps, batch = sys.argv[1:4] + [int(x) for x in sys.argv[4:6]]
AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
model = PeftModel.from_pretrained(model, adapter, is_trainable=True).train()
parameters = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0)
rows = json.load(open(examples))
pad = 0
ready = age + time.clock_gettime(time.CLOCK_MONOTONIC) - started

seconds, losses = [], []
for step in range(steps):
    rows_of_step = [rows[(step * batch + i) % len(rows)] for i in range(batch)]
    begin = time.monotonic()
    width = max(len(r["ids"]) for r in rows_of_step)
    ids = torch.tensor([r["ids"] + [pad] * (width - len(r["ids"])) for r in rows_of_step])
    labels = torch.tensor([r["labels"] + [-100] * (width - len(r["labels"])) for r in rows_of_step])
    mask = torch.tensor([[1] * len(r["ids"]) + [0] * (width - len(r["ids"])) for r in rows_of_step])
    loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    optimizer.zero_grad()
    seconds.append(time.monotonic() - begin)
    losses.append(loss.item())
print(json.dumps({"ready_seconds": ready, "step_seconds": seconds, "losses": losses,
                  "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
