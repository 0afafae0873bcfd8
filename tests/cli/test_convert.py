"""`lore convert` as a user runs it: what it refuses, and what it leaves behind."""

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


@pytest.fixture(scope="module")
def case(model, tmp_path_factory):
    """The small model of these tests, an adapter on it, and both as GGUF files."""
    folder = tmp_path_factory.mktemp("convert")
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    families.random_adapter(base, folder / "adapter", 0.1, r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    (folder / "model").symlink_to(model)
    run("lore", "convert", folder / "model", "--to", "gguf:f16", "--output", folder / "model.gguf")
    run("lore", "convert", folder / "adapter", "--to", "gguf", "--base", model, "--output", folder / "lora.gguf")
    return folder


def convert(source, to, output, *arguments, **options):
    command = [str(BIN / "lore"), "convert", source, "--to", to, "--output", output, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)


@pytest.mark.parametrize("source, to, output, code, words", [
    ("model", "gguf:q4_9", "out.gguf", USAGE, ["q4_9", "gguf:q8_0"]),
    ("model", "hf", "out", USAGE, ["does not exist", "gguf:f16"]),
    ("model", "peft", "out", USAGE, ["a model folder"]),
    ("model.gguf", "portable", "out", USAGE, ["a GGUF model"]),
    ("lora.gguf", "gguf:f16", "out.gguf", USAGE, ["a GGUF adapter"]),
    ("adapter", "hf", "out", USAGE, ["an adapter folder"]),
    ("model.gguf", "gguf:f16", "out.gguf", REFUSED, ["type F16 already"]),
    ("model", "gguf:f16", "out.bin", USAGE, [".gguf"]),
    ("adapter", "gguf", "out.gguf", USAGE, ["--base"]),
    ("lora.gguf", "peft", "out", USAGE, ["--base"]),
    ("nothing", "gguf", "out.gguf", INPUT, ["nothing"]),
])
def test_what_does_not_exist_is_told_in_one_line(source, to, output, code, words, case, tmp_path):
    refused(convert(case / source, to, tmp_path / output), code, *words)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_replaced_without_being_asked(case, tmp_path):
    file = tmp_path / "out.gguf"
    file.write_text("mine")
    refused(convert(case / "model", "gguf:f16", file), REFUSED, "--overwrite")
    assert file.read_text() == "mine"
    assert convert(case / "model", "gguf:f16", file, "--overwrite").returncode == OK
    assert file.read_bytes() == (case / "model.gguf").read_bytes()
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    refused(convert(case / "model.gguf", "hf", folder), REFUSED, "not empty")
    refused(convert(case / "model.gguf", "hf", folder, "--overwrite"), REFUSED, "config.json")
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert convert(case / "adapter", "portable", tmp_path / "plain").returncode == OK
    assert convert(case / "adapter", "portable", tmp_path / "plain", "--overwrite").returncode == OK


def test_the_input_is_never_the_output(case, tmp_path):
    copy = shutil.copytree(case / "adapter", tmp_path / "adapter")
    refused(convert(copy, "portable", copy, "--overwrite"), USAGE, "which is read")
    file = shutil.copy(case / "model.gguf", tmp_path / "model.gguf")
    refused(convert(file, "gguf:q8_0", file, "--overwrite"), USAGE, "which is read")


@pytest.fixture
def copy(case, tmp_path):
    return shutil.copytree(case / "model", tmp_path / "model")


def change_json(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_model_without_a_tokenizer_is_refused(copy, tmp_path):
    for name in ("tokenizer.json", "tokenizer.model"):
        (copy / name).unlink(missing_ok=True)
    refused(convert(copy, "gguf:f16", tmp_path / "out.gguf"), INPUT, "tokenizer.json")


def test_a_way_of_splitting_that_llama_cpp_does_not_know_is_shown(copy, tmp_path):
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    tokenizer["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "[a-y]+|z"}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    refused(convert(copy, "gguf:f16", tmp_path / "out.gguf"), INPUT, "pre_tokenizer", "[a-y]+|z")


def test_another_architecture_is_refused(copy, tmp_path):
    change_json(copy / "config.json", architectures=["GemmaForCausalLM"], model_type="gemma")
    refused(convert(copy, "gguf:f16", tmp_path / "out.gguf"), INPUT, "GemmaForCausalLM")


@pytest.mark.parametrize("value, code, words", [(float("nan"), INPUT, ["NaN"]), (1e6, REFUSED, ["too large for F16"])])
def test_a_value_that_cannot_be_stored_is_refused_with_its_tensor(value, code, words, copy, tmp_path):
    weights = load_file(copy / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][3, 5] = value
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    refused(convert(copy, "gguf:f16", tmp_path / "out.gguf"), code, "model.layers.1.mlp.up_proj.weight", *words)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_tokenizer_of_another_model_is_refused(copy, tmp_path):
    weights = load_file(copy / "model.safetensors")
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][:40000].contiguous()
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    change_json(copy / "config.json", vocab_size=40000)
    refused(convert(copy, "gguf:f16", tmp_path / "out.gguf"), INPUT, "40000")


def test_a_full_disk_leaves_nothing(case, tmp_path):
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # noqa: E731
    result = convert(case / "model", "gguf:f32", tmp_path / "out.gguf", preexec_fn=limit)
    assert result.returncode in (RESOURCES, -25) and "out.gguf" not in [p.name for p in tmp_path.iterdir()]


def test_an_adapter_for_another_model_is_refused(case, tmp_path):
    refused(convert(case / "adapter", "gguf", tmp_path / "out.gguf", "--base", SMOLLM2), INPUT, "lora_A")
    refused(convert(case / "lora.gguf", "peft", tmp_path / "out", "--base", SMOLLM2), INPUT, "do not fit")


def test_a_private_path_is_not_passed_on(case, tmp_path):
    adapter = shutil.copytree(case / "adapter", tmp_path / "adapter")
    change_json(adapter / "adapter_config.json", base_model_name_or_path="/home/somebody/models/secret-7b/")
    result = convert(adapter, "portable", tmp_path / "plain")
    assert "--base-name" in result.stderr
    name = lambda: json.loads((tmp_path / "plain" / "adapter_config.json").read_text())["base_model_name_or_path"]  # noqa
    assert name() == "secret-7b"
    convert(adapter, "portable", tmp_path / "plain", "--base-name", "org/base", "--overwrite")
    assert name() == "org/base"


def test_the_result_is_the_same_whatever_the_number_of_threads(case, tmp_path):
    for threads in (1, 2):
        assert convert(case / "model", "gguf:q8_0", tmp_path / f"{threads}.gguf", "--threads", threads).returncode == OK
    assert (tmp_path / "1.gguf").read_bytes() == (tmp_path / "2.gguf").read_bytes()
