"""Merges an adapter with PEFT and saves the model: the other side of the merge benchmark.

    peft_merge.py BASE ADAPTER OUTPUT
"""

import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

base, adapter, output = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(output)
