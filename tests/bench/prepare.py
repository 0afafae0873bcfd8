"""Makes what both sides of the benchmark train from: SmolLM2 as an fp32 Hugging Face folder, and a fresh adapter.

    prepare.py GGUF FOLDER
"""

import pathlib
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

gguf, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
torch.manual_seed(1)
model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
model.save_pretrained(folder / "model")
AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder / "model")
(folder / "model" / "tokenizer.model").unlink(missing_ok=True)  # transformers leaves a copy of the GGUF there
config = LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"])
get_peft_model(model, config).save_pretrained(folder / "adapter")
