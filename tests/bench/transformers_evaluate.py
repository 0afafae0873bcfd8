"""An evaluation loop on transformers: the other side of the benchmark of `lore evaluate`.

    transformers_evaluate.py JOB.json

Writes to the job's output: mean loss, scored tokens, tokens that went through the model, and seconds without loading.
"""

import json
import sys
import time

import torch
from padding import padded
from transformers import AutoModelForCausalLM, AutoTokenizer

BATCH = 8

job = json.load(open(sys.argv[1]))
torch.set_num_threads(job["threads"])
model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=getattr(torch, job["dtype"])).eval()
tokenizer = AutoTokenizer.from_pretrained(job["model"])


def row_batches():
    """Rows in their order, padded, with the labels that training would have."""
    with open(job["examples"], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    for first in range(0, len(rows), BATCH):
        yield padded(rows[first : first + BATCH], tokenizer.eos_token_id)


def window_batches():
    """Windows of a text side by side."""
    ids = tokenizer(open(job["data"], encoding="utf-8").read(), return_tensors="pt").input_ids
    for first in range(0, ids.shape[1], job["window"]):
        window = ids[:, first : first + job["window"]]
        yield {"input_ids": window, "attention_mask": torch.ones_like(window), "labels": window}


total, scored, tokens = 0.0, 0, 0
start = time.perf_counter()
with torch.inference_mode():
    for batch in row_batches() if "examples" in job else window_batches():
        count = int((batch["labels"][:, 1:] != -100).sum())
        if count > 0:
            total += model(**batch).loss.item() * count
        scored += count
        tokens += int(batch["attention_mask"].sum())
seconds = time.perf_counter() - start
json.dump({"loss": total / scored, "scored": scored, "tokens": tokens, "seconds": seconds}, open(job["output"], "w"))
