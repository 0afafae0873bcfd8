"""`lore combine`, `lore merge` of several adapters and its --subtract, `lore extract`, as a user runs them."""

import json
import re
import shutil
import subprocess

import families
import pytest
import torch
from lore_program import BIN
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

OK, USAGE, INPUT, REFUSED = 0, 2, 3, 4


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A small base, two random adapters on it, and the base with the first merged."""
    folder = tmp_path_factory.mktemp("case")
    families.make("llama-2", folder / "base")
    for number in (1, 2):
        base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32)
        families.random_adapter(base, folder / f"a{number}", 0.05, r=4, lora_alpha=4 * number,
                                target_modules=["q_proj", "v_proj"])
    weights = folder / "a2" / "adapter_model.safetensors"
    save_file({key: value.flip(0) for key, value in load_file(weights).items()}, weights, metadata={"format": "pt"})
    lore("merge", "--base", folder / "base", "--adapter", folder / "a1", "--output", folder / "merged")
    return folder


def lore(*arguments, code=OK):
    result = subprocess.run([str(BIN / "lore"), *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == code, result.stderr
    return result


def both(case, *arguments, code=OK):
    return lore("combine", "--adapter", case / "a1", "--adapter", case / "a2", *arguments, code=code)


def nothing_left(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith("out")] == []


def copy(case, name, tmp_path, edit=None):
    """A copy of an adapter, its tensors edited."""
    adapter = shutil.copytree(case / name, tmp_path / f"{name}-copy")
    if edit:
        path = adapter / "adapter_model.safetensors"
        tensors = load_file(path)
        edit(tensors)
        save_file(tensors, path, metadata={"format": "pt"})
    return adapter


def bind(adapter, name, sha256):
    base = {"name": name, "sha256": sha256, "tensors": 30, "bytes": 1000}
    (adapter / "lore_manifest.json").write_text(json.dumps({"format": 1, "hashes": {
        "base": base, "tokenizer_sha256": "ab", "chat_template_sha256": name}}))


def test_a_combination_is_a_complete_adapter_folder_and_needs_no_base(case, tmp_path):
    result = both(case, "--weight", 0.7, "--weight", -0.3, "--method", "ties", "--density", 0.5, "--output",
                  tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "adapter_config.json", "adapter_model.safetensors", "README.md", "lore_manifest.json"}
    assert "cosine" in result.stdout and "relative error" in result.stdout
    made = json.loads((tmp_path / "out" / "lore_manifest.json").read_text())["combination"]
    assert made["method"] == "ties" and made["density"] == 0.5 and made["majority_sign"] == "total"
    assert [(part["name"], part["weight"]) for part in made["adapters"]] == [("a1", 0.7), ("a2", -0.3)]
    assert all(re.fullmatch("[0-9a-f]{64}", part["sha256"]) for part in made["adapters"])
    assert str(tmp_path) not in (tmp_path / "out" / "README.md").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    lore("merge", "--base", case / "base", "--adapter", tmp_path / "out", "--output", tmp_path / "merged")


def test_json_is_one_object_and_equals_the_merge_of_both(case, tmp_path):
    report = json.loads(both(case, "--output", tmp_path / "out", "--json").stdout)
    assert report["method"] == "cat" and report["rank"] == 8 and report["modules"] == 6
    assert report["relative_error"] < 1e-6 and len(report["cosines"]) == 2 and report["base"] is None
    lore("merge", "--base", case / "base", "--adapter", tmp_path / "out", "--output", tmp_path / "one")
    lore("merge", "--base", case / "base", "--adapter", case / "a1", "--adapter", case / "a2", "--output",
         tmp_path / "two")
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert all(one[key].equal(two[key]) for key in one)


@pytest.mark.parametrize("arguments, message", [
    (["--method", "ties"], "--density: is needed by ties"),
    (["--method", "cat", "--density", "0.5"], "--density: has no meaning for cat"),
    (["--method", "ties", "--density", "0"], "above 0 and at most 1"),
    (["--method", "ties", "--density", "1.5"], "above 0 and at most 1"),
    (["--method", "ties", "--density", "nan"], "above 0 and at most 1"),
    (["--method", "linear", "--rank", "4"], "--rank: has no meaning for linear"),
    (["--method", "linear", "--majority-sign", "total"], "--majority-sign: has no meaning"),
    (["--method", "average"], "average"),
    (["--method", "svd", "--rank", "0"], "--rank"),
    (["--weight", "0.5"], "is given 1 time(s) for 2 adapter(s)"),
    (["--weight", "0.5", "--weight", "inf"], "finite"),
])
def test_options_that_do_not_fit_are_usage_errors(case, tmp_path, arguments, message):
    assert message in both(case, *arguments, "--output", tmp_path / "out", code=USAGE).stderr
    assert nothing_left(tmp_path)


def zero_b(tensors):
    for key in tensors:
        if "lora_B" in key:
            tensors[key].zero_()


def nan(tensors):
    tensors["base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight"][0, 0] = float("nan")


def drop_b(tensors):
    del tensors["base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"]


def drop_module(tensors):
    for matrix in "AB":
        del tensors[f"base_model.model.model.layers.1.self_attn.v_proj.lora_{matrix}.weight"]


def cut(tensors):
    for key in tensors:
        if "lora_A" in key:
            tensors[key] = tensors[key][:, :32].contiguous()


@pytest.mark.parametrize("edit, code, message", [
    (zero_b, REFUSED, "changes nothing"),
    (nan, INPUT, "layers.1.self_attn.v_proj.lora_A.weight: holds NaN"),
    (drop_b, INPUT, "layers.1.self_attn.v_proj.lora_B.weight"),
    (drop_module, INPUT, "layers.1.self_attn.v_proj.lora_A.weight is missing"),
    (cut, INPUT, "different shapes"),
])
def test_adapters_that_cannot_be_combined_are_refused_by_name(case, tmp_path, edit, code, message):
    broken = copy(case, "a2", tmp_path, edit)
    result = lore("combine", "--adapter", case / "a1", "--adapter", broken, "--output", tmp_path / "out", code=code)
    assert message in result.stderr and nothing_left(tmp_path)


@pytest.mark.parametrize("key, value", [("use_dora", True), ("modules_to_save", ["lm_head"]), ("bias", "all")])
def test_kinds_that_cannot_be_added_are_refused_by_name(case, tmp_path, key, value):
    adapter = copy(case, "a2", tmp_path)
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    result = lore("combine", "--adapter", case / "a1", "--adapter", adapter, "--output", tmp_path / "out", code=INPUT)
    assert key in result.stderr and nothing_left(tmp_path)


def test_a_folder_that_is_no_adapter_is_an_input_error(case, tmp_path):
    lore("combine", "--adapter", tmp_path, "--output", tmp_path / "out", code=INPUT)
    lore("combine", "--adapter", tmp_path / "nowhere", "--output", tmp_path / "out", code=INPUT)
    assert nothing_left(tmp_path)


def test_updates_that_cancel_out_are_refused(case, tmp_path):
    for method in (["cat"], ["linear"], ["svd"]):
        result = lore("combine", "--adapter", case / "a1", "--weight", 1, "--adapter", case / "a1", "--weight", -1,
                      "--method", *method, "--output", tmp_path / "out", code=REFUSED)
        assert "cancel out" in result.stderr and nothing_left(tmp_path)


def test_different_ranks_are_refused_where_they_must_be_equal(case, tmp_path):
    lore("combine", "--adapter", case / "a2", "--method", "svd", "--rank", 3, "--output", tmp_path / "small")
    for method, advice in ((["linear"], "or svd"), (["ties", "--density", "0.5"], "or ties_svd")):
        result = lore("combine", "--adapter", case / "a1", "--adapter", tmp_path / "small", "--method", *method,
                      "--output", tmp_path / "out", code=USAGE)
        assert "has rank 3 in one adapter and 4 in another" in result.stderr and advice in result.stderr


def test_bases_must_agree_and_are_carried(case, tmp_path):
    first, second = copy(case, "a1", tmp_path), copy(case, "a2", tmp_path)
    bind(first, "small", "1" * 64)
    bind(second, "small", "1" * 64)
    arguments = ["--adapter", first, "--adapter", second, "--output", tmp_path / "out"]
    assert json.loads(lore("combine", *arguments, "--json").stdout)["base"] == "small"
    hashes = json.loads((tmp_path / "out" / "lore_manifest.json").read_text())["hashes"]
    assert hashes["base"]["sha256"] == "1" * 64 and hashes["tokenizer_sha256"] == "ab"
    assert hashes["chat_template_sha256"] == "small"
    bind(second, "other", "2" * 64)
    refused = lore("combine", *arguments, "--overwrite", code=REFUSED)
    assert "other" in refused.stderr and "small" in refused.stderr
    allowed = lore("combine", *arguments, "--overwrite", "--allow-base-mismatch")
    assert "all the same" in allowed.stderr and "not recorded" in allowed.stdout
    hashes = json.loads((tmp_path / "out" / "lore_manifest.json").read_text())["hashes"]
    assert "sha256" not in hashes["base"] and "chat_template_sha256" not in hashes


def test_outputs_in_use_are_refused_and_only_adapters_replaced(case, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    for arguments in ([], ["--overwrite"]):
        both(case, "--output", out, *arguments, code=REFUSED)
        assert (out / "notes.txt").read_text() == "mine"
    both(case, "--output", case / "a1", "--overwrite", code=USAGE)
    (out / "notes.txt").unlink()
    both(case, "--output", out)
    both(case, "--output", out, code=REFUSED)
    both(case, "--output", out, "--overwrite")


def test_a_merge_of_several_checks_each(case, tmp_path):
    bad = copy(case, "a2", tmp_path)
    bind(bad, "other", "2" * 64)
    arguments = ["merge", "--base", case / "base", "--adapter", case / "a1", "--adapter", bad, "--output",
                 tmp_path / "out"]
    assert "made on other" in lore(*arguments, code=REFUSED).stderr
    zero = copy(case, "a1", tmp_path, zero_b)
    assert "changes nothing" in lore("merge", "--base", case / "base", "--adapter", case / "a1", "--adapter", zero,
                                     "--output", tmp_path / "out", code=REFUSED).stderr
    lore("merge", "--base", case / "base", "--adapter", case / "a1", "--weight", 1, "--adapter", case / "a1",
         "--weight", -1, "--output", tmp_path / "out", code=REFUSED)
    assert nothing_left(tmp_path)


def subtract(case, model, adapter, out, *arguments, code=OK):
    return lore("merge", "--subtract", "--base", model, "--adapter", adapter, "--output", out, *arguments, code=code)


def test_subtraction_gives_the_base_back_and_says_how_far(case, tmp_path):
    result = subtract(case, case / "merged", case / "a1", tmp_path / "out", "--original", case / "base")
    assert "weights differ, by at most" in result.stdout and "merged with it" in result.stdout
    report = json.loads((tmp_path / "out" / "lore_merge.json").read_text())
    assert report["operation"] == "subtract" and report["restoration"]["original"]["max_abs"] < 1e-6
    assert "Unmerged" in (tmp_path / "out" / "README.md").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_exact_restoration_is_recognized_by_the_manifest(case, tmp_path):
    """Weights and updates that are small multiples of a power of two: nothing is rounded."""
    base = AutoModelForCausalLM.from_pretrained(case / "base", dtype=torch.float32)
    with torch.no_grad():
        for parameter in base.parameters():
            parameter.copy_((parameter * 64).round() / 64 + 0.0)  # no negative zeros
    base.save_pretrained(tmp_path / "base")
    adapter = copy(case, "a1", tmp_path, lambda tensors: [t.copy_((t * 16).round() / 16) for t in tensors.values()])
    merged = ["merge", "--base", tmp_path / "base", "--adapter", adapter, "--json", "--output"]
    report = json.loads(lore(*merged, tmp_path / "merged").stdout)
    (adapter / "lore_manifest.json").write_text(json.dumps({"hashes": {"base": {
        key: report["base"][key] for key in ("name", "sha256", "tensors", "bytes")}}}))
    result = subtract(case, tmp_path / "merged", adapter, tmp_path / "out")
    assert "to the byte" in result.stdout
    refused = subtract(case, tmp_path / "base", adapter, tmp_path / "again", code=REFUSED)
    assert "is the base that the adapter was made on" in refused.stderr


def test_an_adapter_that_is_not_in_the_model_is_not_taken_out(case, tmp_path):
    refused = subtract(case, case / "merged", case / "a2", tmp_path / "out", code=REFUSED)
    assert "was merged with a1" in refused.stderr and nothing_left(tmp_path)
    refused = subtract(case, case / "merged", case / "a1", tmp_path / "out", "--weight", 0.5, code=REFUSED)
    assert "times" in refused.stderr and nothing_left(tmp_path)
    louder = copy(case, "a1", tmp_path)
    config = louder / "adapter_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"lora_alpha": 5}))
    refused = subtract(case, case / "merged", louder, tmp_path / "out", code=REFUSED)
    assert "lora_alpha" in refused.stderr and nothing_left(tmp_path)
    allowed = subtract(case, case / "merged", case / "a2", tmp_path / "out", "--allow-base-mismatch", "--json")
    assert json.loads(allowed.stdout)["base"]["binding"] == "other model allowed"
    subtract(case, case / "merged", case / "a1", tmp_path / "first")
    refused = subtract(case, tmp_path / "first", case / "a1", tmp_path / "second", code=REFUSED)
    assert "taken out already" in refused.stderr
    shutil.rmtree(louder)
    zero = copy(case, "a1", tmp_path, zero_b)
    assert "changes nothing" in subtract(case, case / "base", zero, tmp_path / "third", code=REFUSED).stderr
    lore("merge", "--base", case / "base", "--adapter", case / "a1", "--original", case / "base", "--output",
         tmp_path / "third", code=USAGE)


def extract(case, *arguments, code=OK):
    return lore("extract", "--base", case / "base", "--tuned", case / "merged", *arguments, code=code)


def test_an_extracted_adapter_is_complete_and_bound_to_its_base(case, tmp_path):
    result = extract(case, "--rank", 4, "--output", tmp_path / "out")
    assert "explains   100.00%" in result.stdout and "compared" in result.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "adapter_config.json", "adapter_model.safetensors", "README.md", "lore_manifest.json"}
    merged = json.loads(lore("merge", "--base", case / "base", "--adapter", tmp_path / "out", "--output",
                             tmp_path / "again", "--json").stdout)
    assert merged["base"]["binding"] == "same base"
    lore("merge", "--base", case / "merged", "--adapter", tmp_path / "out", "--output", tmp_path / "other",
         code=REFUSED)


@pytest.mark.parametrize("arguments, message", [
    ([], "--rank: is needed"), (["--rank", "0"], "--rank"), (["--explain", "1.5"], "--explain: must be"),
    (["--rank", "2", "--target", "q_porj"], "q_proj"),
])
def test_mistakes_of_extract_are_usage_errors(case, tmp_path, arguments, message):
    assert message in extract(case, *arguments, "--output", tmp_path / "out", code=USAGE).stderr
    assert nothing_left(tmp_path)


def test_models_without_a_difference_for_an_adapter_are_refused(case, tmp_path):
    result = lore("extract", "--base", case / "base", "--tuned", case / "base", "--rank", 2, "--output",
                  tmp_path / "out", code=REFUSED)
    assert "same weights" in result.stderr
    result = extract(case, "--rank", 2, "--target", "up_proj", "--output", tmp_path / "out", code=REFUSED)
    assert "differs" in result.stderr and "q_proj" in result.stderr
    families.make("qwen3", tmp_path / "other")
    result = lore("extract", "--base", case / "base", "--tuned", tmp_path / "other", "--rank", 2, "--output",
                  tmp_path / "out", code=INPUT)
    assert "not of the shape" in result.stderr and nothing_left(tmp_path)


def test_nan_in_a_tuned_model_is_named(case, tmp_path):
    shutil.copytree(case / "merged", tmp_path / "tuned")
    tensors = load_file(tmp_path / "tuned" / "model.safetensors")
    tensors["model.layers.1.mlp.up_proj.weight"][1, 2] = float("nan")
    save_file(tensors, tmp_path / "tuned" / "model.safetensors", metadata={"format": "pt"})
    result = lore("extract", "--base", case / "base", "--tuned", tmp_path / "tuned", "--rank", 2, "--output",
                  tmp_path / "out", code=INPUT)
    assert "model.layers.1.mlp.up_proj.weight" in result.stderr and "NaN" in result.stderr
    assert nothing_left(tmp_path)
