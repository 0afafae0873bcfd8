import families
import pytest
import torch
from lore_program import SMOLLM2


@pytest.fixture(scope="session")
def smollm2_folder(tmp_path_factory):
    """SmolLM2-135M-Instruct as an fp32 Hugging Face folder, dequantized by transformers from the GGUF."""
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("smollm2")
    model = AutoModelForCausalLM.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name, dtype=torch.float32)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """(folder, model, tokenizer) of a small random Llama with SmolLM2's tokenizer and template, in fp32."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("models") / "small"
    tokenizer = AutoTokenizer.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name)
    families.FAMILIES["small"] = ("Llama", dict(families.SIZES, vocab_size=len(tokenizer), num_hidden_layers=2,
                                                max_position_embeddings=1024, tie_word_embeddings=True))
    model = families.make("small", folder)
    tokenizer.save_pretrained(folder)
    return folder, model, tokenizer
