"""Makes what the merge benchmark merges: bfloat16 folders of SmolLM2-135M and of TinyLlama-1.1B's shape (seeded random
weights), each with an adapter of rank 16 on every linear whose B is not zero.

    prepare_merge.py GGUF FOLDER
"""

import pathlib
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

gguf, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
torch.manual_seed(1)


def tinyllama():
    config = LlamaConfig(vocab_size=32000, hidden_size=2048, intermediate_size=5632, num_hidden_layers=22,
                         num_attention_heads=32, num_key_value_heads=4, max_position_embeddings=2048)
    torch.set_default_dtype(torch.bfloat16)
    model = LlamaForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    return model


models = {"smollm2-135m": lambda: AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name,
                                                                       dtype=torch.bfloat16),
          "tinyllama-1.1b-shape": tinyllama}
for name, make in models.items():
    model = make()
    model.save_pretrained(folder / name / "base")
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear"))
    for key, value in adapted.named_parameters():
        if "lora_B" in key:
            torch.nn.init.normal_(value, std=0.01)
    adapted.save_pretrained(folder / name / "adapter")
