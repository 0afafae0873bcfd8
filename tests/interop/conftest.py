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
