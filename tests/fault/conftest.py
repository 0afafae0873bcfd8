"""What the fault tests share: a small model and recipe, and runs of the program under the shim."""

import errno
import hashlib
import json
import os
import subprocess

import families
import pytest
from lore_program import BIN, REPOSITORY

ADAPTER = "adapter/adapter_model.safetensors"


@pytest.fixture(scope="session")
def recipe(tmp_path_factory):
    """A recipe of six steps with validation and a checkpoint after every second one."""
    folder = tmp_path_factory.mktemp("fault")
    families.make_chat_model("fault", folder / "model", max_position_embeddings=512)
    rows = (REPOSITORY / "data-samples" / "terms.train.jsonl").read_text(encoding="utf-8").splitlines(True)
    (folder / "train.jsonl").write_text("".join(rows[:16]), encoding="utf-8")
    (folder / "heldout.jsonl").write_text("".join(rows[24:26]), encoding="utf-8")
    path = folder / "recipe.yaml"
    path.write_text(
        "model: { path: model, dtype: float32 }\n"
        "adapter: { r: 2, target_modules: [q_proj], lora_dropout: 0.1 }\n"
        "data: { train: [{ path: train.jsonl }], validation: [{ path: heldout.jsonl }] }\n"
        "training: { max_steps: 6, batch_size: 2, learning_rate: 1.0e-3, checkpoint_every_steps: 2 }\n"
        "evaluation: { every_steps: 3 }\n"
        "output_dir: run\n")
    return path


@pytest.fixture(scope="session")
def wanted(recipe, tmp_path_factory):
    """SHA-256 of the adapter, and of the best one, of a run without a break."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(recipe, folder)
    return sha256(folder / ADAPTER), sha256(folder / "best/adapter_model.safetensors")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def train(recipe, output, *arguments, check=True, **shim):
    """Runs `lore train`; `shim` sets LORE_FAULT_* and loads the shim."""
    environment = dict(os.environ)
    if shim:
        environment |= {f"LORE_FAULT_{key.upper()}": str(value) for key, value in shim.items()}
        environment["LD_PRELOAD"] = str(BIN / "libfault_shim.so")
    result = subprocess.run([BIN / "lore", "train", recipe, "--output", output, *arguments], capture_output=True,
                            text=True, env=environment)
    if check and result.returncode != 0:
        raise AssertionError(f"exit {result.returncode}:\n{result.stdout}\n{result.stderr}")
    return result


def damage(run):
    """What in the folder of a run is neither as it was written nor absent."""
    found = []
    for checkpoint in sorted((run / "checkpoints").glob("step-??????")) if run.exists() else []:
        seal = checkpoint / "checkpoint.json"
        if not seal.exists():
            found.append(f"{checkpoint.name} is not sealed")
            continue
        for name, facts in json.loads(seal.read_text())["files"].items():
            if not (checkpoint / name).is_file() or sha256(checkpoint / name) != facts["sha256"]:
                found.append(f"{checkpoint.name}/{name}")
    for name in ("adapter", "best"):
        for file in ("adapter_config.json", "lore_manifest.json"):
            if (run / name).exists():
                try:
                    json.loads((run / name / file).read_text())
                except (OSError, ValueError):
                    found.append(f"{name}/{file}")
    for name in ("run.json",):
        if (run / name).exists():
            json.loads((run / name).read_text())
    return found


ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}
