"""Small random models of every family and rope scaling that Lore supports, made by transformers."""

import torch
import transformers
from lore_program import SMOLLM2
from peft import LoraConfig, get_peft_model

SIZES = dict(vocab_size=320, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=128)


def rope(**scaling):
    return dict(SIZES, rope_scaling=scaling)


FAMILIES = {
    "llama-2": ("Llama", dict(SIZES, num_key_value_heads=4)),
    "llama-3.1": ("Llama", dict(rope(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                     original_max_position_embeddings=32), rope_theta=500000.0)),
    "llama-3.2-tied": ("Llama", dict(SIZES, tie_word_embeddings=True, head_dim=24, rope_theta=500000.0)),
    "llama-biases": ("Llama", dict(SIZES, attention_bias=True, mlp_bias=True)),
    "tinyllama": ("Llama", dict(SIZES, num_attention_heads=8, num_key_value_heads=1)),
    "smollm2": ("Llama", dict(SIZES, num_attention_heads=3, num_key_value_heads=1, hidden_size=96,
                              tie_word_embeddings=True, rope_theta=100000.0)),
    "mistral": ("Mistral", dict(SIZES, sliding_window=16)),
    "mistral-full": ("Mistral", dict(SIZES, sliding_window=None, head_dim=32)),
    "qwen2": ("Qwen2", dict(SIZES, tie_word_embeddings=True, rope_theta=1000000.0)),
    "qwen2-window": ("Qwen2", dict(SIZES, use_sliding_window=True, sliding_window=12, max_window_layers=1)),
    "qwen3": ("Qwen3", dict(SIZES, head_dim=32)),
    "rope-linear": ("Llama", rope(rope_type="linear", factor=4.0)),
    "rope-dynamic": ("Llama", dict(rope(rope_type="dynamic", factor=2.0), max_position_embeddings=32)),
    "rope-yarn": ("Llama", rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)),
    "rope-yarn-mscale": ("Qwen2", rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=32,
                                       mscale=0.8, mscale_all_dim=0.6, beta_fast=16.0, beta_slow=2.0)),
}


def make(name, folder, shards=False):
    """Saves the random model `name` into `folder` and returns it, in fp32."""
    family, arguments = FAMILIES[name]
    torch.manual_seed(sum(map(ord, name)))
    config = getattr(transformers, f"{family}Config")(attn_implementation="eager", **arguments)
    model = getattr(transformers, f"{family}ForCausalLM")(config).float().eval()
    with torch.no_grad():
        for parameter in model.parameters():  # away from zero biases and unit norms, so that each one counts
            parameter.add_(torch.randn_like(parameter) * 0.05)
    model.save_pretrained(folder, max_shard_size="60KB" if shards else "5GB")
    return model


def make_chat_model(name, folder, max_position_embeddings):
    """Saves a small random Llama with SmolLM2's tokenizer and template into `folder`: (model, tokenizer)."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name)
    FAMILIES[name] = ("Llama", dict(SIZES, vocab_size=len(tokenizer), num_hidden_layers=2,
                                    max_position_embeddings=max_position_embeddings, tie_word_embeddings=True))
    model = make(name, folder)
    tokenizer.save_pretrained(folder)
    return model, tokenizer


def random_adapter(base, folder, spread, part="lora_", **config):
    """Saves a PEFT LoRA on `base` into `folder`, the tensors named with `part` normal with deviation `spread`."""
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **config))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if part in key:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    model.save_pretrained(folder)
    return model.eval()
