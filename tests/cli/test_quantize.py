"""`lore quantize` as a user runs it: what it refuses, what it prints, and what it leaves behind."""

import json
import resource
import shutil
import subprocess

import families
import pytest
import torch
from lore_program import BIN, SMOLLM2, refused, run
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

OK, USAGE, INPUT, REFUSED, RESOURCES = 0, 2, 3, 4, 5


def quantize(model, form, output, *arguments, **options):
    command = [str(BIN / "lore"), "quantize", "--model", model, "--format", form, "--output", output, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)


@pytest.fixture
def texts(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "text.txt").write_text("A risk-control threshold is set every quarter by the committee. " * 40)
    (folder / "empty.txt").write_text("")
    (folder / "rows.jsonl").write_text('{"text": "a"}\n')
    (folder / "damaged.dat").write_bytes(b"\x02\x00\x00\x00\x07\x00\x00\x00abc")
    return folder


@pytest.mark.parametrize("form, output, arguments, code, words", [
    ("gguf:q9", "out.gguf", [], USAGE, ["gguf:q9"]),
    ("gguf:q4_0", "out", [], USAGE, [".gguf"]),
    ("gguf:q4_0", "out.gguf", ["--method", "gptq", "--calibration", "text.txt"], USAGE, ["hf:"]),
    ("hf:w4a16", "out", ["--method", "gptq"], USAGE, ["--calibration"]),
    ("gguf:q4_0", "out.gguf", ["--method", "rtn", "--calibration", "text.txt"], USAGE, ["no text"]),
    ("gguf:q4_0", "out.gguf", ["--save-imatrix", "i.gguf"], USAGE, ["--save-imatrix"]),
    ("gguf:q4_0", "out.gguf", ["--calibration", "empty.txt"], INPUT, ["empty.txt", "holds no text"]),
    ("hf:w4a16", "out", ["--calibration", "rows.jsonl"], INPUT, ["no text file"]),
    ("gguf:q4_0", "out.gguf", ["--calibration", "nothing.txt"], INPUT, ["nothing.txt"]),
    ("gguf:q4_0", "out.gguf", ["--imatrix", "damaged.dat"], INPUT, ["damaged.dat", "middle of an entry"]),
])
def test_what_does_not_go_together_is_told_in_one_line(form, output, arguments, code, words, model, texts, tmp_path):
    files = [texts / a if a.endswith((".txt", ".jsonl", ".dat")) else a for a in arguments]
    refused(quantize(model, form, tmp_path / output, *files), code, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["texts"]


def test_a_model_that_is_quantized_already_is_refused_and_offered_a_way(tmp_path):
    refused(quantize(SMOLLM2, "gguf:q4_0", tmp_path / "out.gguf"), REFUSED, "Q4_1", "lore convert", "--requantize")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form, output", [("gguf:q4_k_m", "out.gguf"), ("hf:w4a16", "out")])
def test_a_tensor_with_nan_is_named(form, output, model, tmp_path):
    copy = shutil.copytree(model, tmp_path / "model")
    weights = load_file(copy / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][3, 5] = float("nan")
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    refused(quantize(copy, form, tmp_path / output), INPUT, "model.layers.1.mlp.up_proj.weight", "NaN")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("form, output", [("gguf:q8_0", "out.gguf"), ("hf:w8a16", "out")])
def test_a_full_disk_leaves_nothing(form, output, model, tmp_path):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # noqa: E731
    result = quantize(model, form, tmp_path / output, preexec_fn=limit)
    assert result.returncode in (RESOURCES, -25) and output not in [path.name for path in tmp_path.iterdir()]


def test_the_loss_is_told_as_a_table_and_as_json(model, texts, tmp_path):
    result = quantize(model, "gguf:q4_0", tmp_path / "out.gguf", "--evaluate", texts / "text.txt", "--evaluate-tokens", 128)
    assert result.returncode == OK, result.stderr
    for word in ("perplexity", "before", "after", "KL", "same top-1", "bits a weight", "128 tokens of text.txt"):
        assert word in result.stdout
    refused(quantize(model, "gguf:q4_0", tmp_path / "out.gguf"), REFUSED, "--overwrite")
    printed = quantize(model, "gguf:q4_0", tmp_path / "out.gguf", "--evaluate", texts / "text.txt", "--evaluate-tokens",
                       128, "--json", "--overwrite").stdout
    report = json.loads(printed)
    assert report["evaluation"]["tokens"] == 128 and report["evaluation"]["before"]["perplexity"] > 1
    assert report["type"] == "Q4_0" and report["method"] == "rtn" and 4 < report["bits_per_weight"] < 9


@pytest.mark.parametrize("form", ["w8a16", "w4a16", "w8a8"])
def test_a_folder_is_evaluated_inspected_converted_and_replaced(form, model, texts, tmp_path):
    assert quantize(model, f"hf:{form}", tmp_path / "out", "--no-verify").returncode == OK
    result = run("lore", "evaluate", "--base", tmp_path / "out", "--data", texts / "text.txt", "--json")
    plain = run("lore", "evaluate", "--base", model, "--data", texts / "text.txt", "--json")
    one, other = (json.loads(r.stdout)["metrics"]["perplexity"] for r in (result, plain))
    assert one != other and abs(one / other - 1) < 0.1
    assert "compressed-tensors" in run("lore", "inspect", tmp_path / "out").stdout
    refused(quantize(model, f"hf:{form}", tmp_path / "out"), REFUSED, "--overwrite")
    assert quantize(model, f"hf:{form}", tmp_path / "out", "--no-verify", "--overwrite").returncode == OK
    refused(quantize(tmp_path / "out", "gguf:q4_0", tmp_path / "again.gguf"), REFUSED, "compressed-tensors")
    run("lore", "convert", tmp_path / "out", "--to", "gguf:f32", "--output", tmp_path / "plain.gguf")


def test_an_adapter_is_merged_on_the_way(model, tmp_path):
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    families.random_adapter(base, tmp_path / "adapter", 0.1, r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"])
    result = quantize(model, "gguf:q8_0", tmp_path / "one.gguf", "--adapter", tmp_path / "adapter", "--json")
    assert result.returncode == OK, result.stderr
    run("lore", "merge", "--base", model, "--adapter", tmp_path / "adapter", "--output", tmp_path / "merged", "--dtype",
        "float32", "--no-verify")
    two = quantize(tmp_path / "merged", "gguf:q8_0", tmp_path / "two.gguf", "--json")
    kl, apart = (json.loads(r.stdout)["evaluation"]["kl"] for r in (result, two))
    assert kl == pytest.approx(apart, rel=0.02)


def test_the_result_is_the_same_whatever_the_number_of_threads(model, texts, tmp_path):
    for form, output in (("gguf:q4_k_m", "{}.gguf"), ("hf:w4a16", "{}")):
        calibration = ["--calibration", texts / "text.txt", "--calibration-tokens", 128]
        for threads in (1, 2):
            done = quantize(model, form, tmp_path / output.format(threads), "--no-verify", "--threads", threads, *calibration)
            assert done.returncode == OK, done.stderr
    assert (tmp_path / "1.gguf").read_bytes() == (tmp_path / "2.gguf").read_bytes()
    assert (tmp_path / "1" / "model.safetensors").read_bytes() == (tmp_path / "2" / "model.safetensors").read_bytes()
