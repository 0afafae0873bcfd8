"""Runs Lore's programs for the tests written in Python."""

import json
import os
import pathlib
import subprocess

import torch
from safetensors.torch import load_file

BIN = pathlib.Path(os.environ["LORE_BIN"])
MODELS = pathlib.Path(os.environ["LORE_MODELS"])
SMOLLM2 = MODELS / "smollm2-135m-instruct" / "SmolLM2-135M-Instruct.Q4_1.gguf"
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

torch.set_num_threads(2)


def real_text():
    """A few hundred lines of the project's own Chinese and English prose."""
    lines = (REPOSITORY / "data-samples" / "terms.train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["messages"][1]["content"] for line in lines]


def run(program, *arguments, check=True):
    """Runs one of Lore's programs; a failure shows what it printed."""
    result = subprocess.run([str(BIN / program), *map(str, arguments)], capture_output=True, text=True)
    if check and result.returncode != 0:
        raise AssertionError(f"{program} exited {result.returncode}:\n{result.stdout}\n{result.stderr}")
    return result


def probe(mode, model, dtype, adapter, segments, folder):
    """Logits or gradients by Lore: (printed loss or None, tensors)."""
    request = folder / "input.json"
    request.write_text(json.dumps({"segments": segments}))
    out = folder / "out.safetensors"
    printed = run("model_probe", mode, model, dtype, adapter or "-", request, out).stdout.strip()
    return (float(printed) if printed else None), load_file(out)


def segment(ids, labels=None):
    return {"ids": list(ids), "labels": list(labels if labels is not None else ids)}


def refused(result, code, *words):
    """Asserts that a finished process exited with `code` after one error that has all `words`."""
    assert result.returncode == code, result.stdout + result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("lore: error: ")]
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0]
