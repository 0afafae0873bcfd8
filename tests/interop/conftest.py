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
def smollm2_chat_folder(smollm2_folder):
    """The same with the tokenizer and template that transformers makes of the GGUF."""
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name).save_pretrained(smollm2_folder)
    (smollm2_folder / "tokenizer.model").unlink(missing_ok=True)  # a copy of the GGUF
    return smollm2_folder


@pytest.fixture(scope="session")
def smollm2(smollm2_folder):
    """SmolLM2-135M-Instruct of transformers in fp32."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(smollm2_folder, dtype=torch.float32).eval()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """(folder, model, tokenizer) of a small random Llama with SmolLM2's tokenizer and template, in fp32."""
    folder = tmp_path_factory.mktemp("models") / "small"
    model, tokenizer = families.make_chat_model("small", folder, max_position_embeddings=1024)
    return folder, model, tokenizer
