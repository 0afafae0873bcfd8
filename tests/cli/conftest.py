"""What the tests of the program share: a small model, and a recipe for it."""

import families
import pytest
from lore_program import REPOSITORY


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A small random Llama with SmolLM2's tokenizer and template."""
    folder = tmp_path_factory.mktemp("models") / "small"
    families.make_chat_model("cli", folder, max_position_embeddings=512)
    return folder


@pytest.fixture
def recipe(model, tmp_path):
    """A recipe file for a short run; the run goes to tmp_path/run."""
    rows = (REPOSITORY / "data-samples" / "terms.train.jsonl").read_text(encoding="utf-8").splitlines(True)
    (tmp_path / "train.jsonl").write_text("".join(rows[:24]), encoding="utf-8")
    (tmp_path / "heldout.jsonl").write_text("".join(rows[24:32]), encoding="utf-8")
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"model: {{ path: {model}, dtype: float32 }}\n"
        "adapter: { r: 4, lora_alpha: 8, target_modules: [q_proj, v_proj], lora_dropout: 0.1 }\n"
        "data:\n"
        "  train: [{ path: train.jsonl }]\n"
        "  validation: [{ path: heldout.jsonl }]\n"
        "training: { max_steps: 6, batch_size: 4, learning_rate: 1.0e-3 }\n"
        "evaluation: { every_steps: 2 }\n"
        "output_dir: run\n"
    )
    return path
