"""`lore inspect` as a user runs it: what it says of each kind of thing, and its exit codes."""

import json
import os
import pty
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import families
import numpy
import pytest
import torch
from lore_program import BIN, SMOLLM2, run
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

OK, USAGE, INPUT = 0, 2, 3


@pytest.fixture(scope="module")
def base(model):
    return AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)


@pytest.fixture(scope="module")
def made(base, tmp_path_factory):
    """An adapter with ranks and scales by pattern, and one of other ranks on other modules."""
    folder = tmp_path_factory.mktemp("adapters")
    families.random_adapter(AutoModelForCausalLM.from_pretrained(base.name_or_path), folder / "a", 0.1, r=4, lora_alpha=8,
                            target_modules=["q_proj", "v_proj", "down_proj"], rank_pattern={"down_proj": 6},
                            alpha_pattern={"layers.1.self_attn.q_proj": 3}, use_rslora=True)
    families.random_adapter(AutoModelForCausalLM.from_pretrained(base.name_or_path), folder / "b", 0.2, r=3, lora_alpha=6,
                            target_modules=["q_proj", "v_proj", "up_proj"])
    return folder


@pytest.fixture
def adapter(made, tmp_path):
    return shutil.copytree(made / "a", tmp_path / "adapter")


def inspect(*arguments, code=OK):
    result = run("lore", "inspect", *arguments, "--json", check=False)
    assert result.returncode == code, result.stdout + result.stderr
    return json.loads(result.stdout)


def updates(folder):
    """scale * B @ A of each module in float64, by the rules of PEFT."""
    import re

    keys = json.loads((folder / "adapter_config.json").read_text())
    tensors = load_file(folder / "adapter_model.safetensors")
    found = {}
    for key, a in tensors.items():
        if "lora_A" not in key:
            continue
        name = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")

        def value(pattern, otherwise):
            return next((v for k, v in keys[pattern].items() if re.match(rf"(.*\.)?({k})$", name)), otherwise)

        rank, alpha = value("rank_pattern", keys["r"]), value("alpha_pattern", keys["lora_alpha"])
        scale = alpha / (rank**0.5 if keys["use_rslora"] else rank)
        b = tensors[key.replace("lora_A", "lora_B")]
        found[name] = scale * b.double().numpy() @ a.double().numpy()
    return found


def test_norms_are_those_of_the_whole_matrices(made, base):
    report = inspect(made / "a", "--base", base.name_or_path)
    truth = updates(made / "a")
    assert {module["module"] for module in report["modules"]} == set(truth)
    weights = base.state_dict()
    for module in report["modules"]:
        update = truth[module["module"]]
        singular = numpy.linalg.svd(update, compute_uv=False)[: module["rank"]]
        shares = singular / singular.sum()
        weight = weights[module["module"] + ".weight"].double().norm().item()
        assert module["frobenius"] == pytest.approx(numpy.linalg.norm(update), rel=1e-9)
        assert module["spectral"] == pytest.approx(singular[0], rel=1e-7)
        assert module["effective_rank"] == pytest.approx(numpy.exp(-(shares * numpy.log(shares)).sum()), rel=1e-6)
        assert module["relative"] == pytest.approx(numpy.linalg.norm(update) / weight, rel=1e-6)
    total = sum(numpy.linalg.norm(update) ** 2 for update in truth.values()) ** 0.5
    assert report["frobenius"] == pytest.approx(total, rel=1e-9)
    assert report["method"] == "rsLoRA" and report["base"] == {"name": "small", "fits": True, "same": None}
    assert report["sound"] and report["problems"] == []


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_norms_of_half_precision_factors(adapter, dtype):
    path = adapter / "adapter_model.safetensors"
    save_file({key: value.to(dtype) for key, value in load_file(path).items()}, path, metadata={"format": "pt"})
    truth = updates(adapter)
    for module in inspect(adapter)["modules"]:
        assert module["frobenius"] == pytest.approx(numpy.linalg.norm(truth[module["module"]]), rel=1e-9)


def test_a_difference_is_that_of_the_whole_matrices(made):
    report = inspect("--diff", made / "a", made / "b")
    a, b = updates(made / "a"), updates(made / "b")
    assert not report["identical"]
    assert set(report["only_a"]) == set(a) - set(b) and set(report["only_b"]) == set(b) - set(a)
    assert {change["name"] for change in report["common"]} == set(a) & set(b)
    for change in report["common"]:
        left, right = a[change["name"]], b[change["name"]]
        assert change["relative"] == pytest.approx(numpy.linalg.norm(left - right) / numpy.linalg.norm(left), rel=1e-9)
        cosine = (left * right).sum() / numpy.linalg.norm(left) / numpy.linalg.norm(right)
        assert change["cosine"] == pytest.approx(cosine, abs=1e-9)
    relative = [change["relative"] for change in report["common"]]
    assert relative == sorted(relative, reverse=True)
    assert report["config"]["r"] == [4, 3] and "lora_dropout" not in report["config"]


def test_the_least_difference_is_seen(made, adapter):
    assert inspect("--diff", made / "a", adapter)["identical"]
    path = adapter / "adapter_model.safetensors"
    tensors = load_file(path)
    key = next(key for key in tensors if "layers.1.self_attn.v_proj.lora_B" in key)
    tensors[key][0, 0] = torch.nextafter(tensors[key][0, 0], torch.tensor(1e9))
    save_file(tensors, path, metadata={"format": "pt"})
    report = inspect("--diff", made / "a", adapter)
    assert not report["identical"]
    assert report["common"][0]["name"].endswith("layers.1.self_attn.v_proj")
    assert 0 < report["common"][0]["relative"] < 1e-6
    assert all(change["relative"] == 0 for change in report["common"][1:])


def test_models_are_compared_tensor_by_tensor(base, tmp_path):
    other = AutoModelForCausalLM.from_pretrained(base.name_or_path)
    with torch.no_grad():
        other.model.layers[1].mlp.up_proj.weight.mul_(1.5)
    other.save_pretrained(tmp_path / "other", max_shard_size="1MB")
    report = inspect("--diff", base.name_or_path, tmp_path / "other")
    changed = [change for change in report["common"] if change["relative"] != 0]
    assert [change["name"] for change in changed] == ["model.layers.1.mlp.up_proj.weight"]
    assert changed[0]["relative"] == pytest.approx(0.5) and changed[0]["cosine"] == pytest.approx(1)
    assert inspect("--diff", base.name_or_path, base.name_or_path)["identical"]


def test_a_model_is_described_and_its_faults_are_named(base, tmp_path):
    report = inspect(base.name_or_path)
    assert report["kind"] == "model" and report["sound"] and report["values_read"]
    assert report["parameters"] == sum(p.numel() for p in base.parameters())
    assert report["architecture"]["tie_word_embeddings"] is True and report["tokenizer"]["size"] == base.config.vocab_size
    folder = shutil.copytree(base.name_or_path, tmp_path / "bad")
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.norm.weight"]
    tensors["model.layers.0.mlp.up_proj.weight"][5, 7] = float("nan")
    tensors["model.layers.9.extra.weight"] = torch.ones(2)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    problems = inspect(folder, code=INPUT)["problems"]
    for expected in ("model.norm.weight [64] is missing", "up_proj.weight: holds NaN or infinite values, the first at [5,7]",
                     "model.layers.9.extra.weight is no part"):
        assert any(expected in problem for problem in problems), problems
    assert len(problems) == 3


def test_a_gguf_file_is_described():
    report = inspect(SMOLLM2)
    assert report["kind"] == "GGUF model" and report["sound"] and report["license"] == "apache-2.0"
    assert report["dtypes"]["Q4_1"]["tensors"] == 210 and report["architecture"]["num_hidden_layers"] == 30
    assert report["tokenizer"]["size"] == 49152 and report["missing"] == [] and report["extra"] == []


def test_a_cut_gguf_file_is_not_sound(tmp_path):
    (tmp_path / "cut.gguf").write_bytes(SMOLLM2.read_bytes()[:1000000])
    report = inspect(tmp_path / "cut.gguf", code=INPUT)
    assert report["problems"] and not report["sound"]


def test_a_tokenizer_is_described(base, tmp_path):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(f"{base.name_or_path}/{name}", tmp_path)
    report = inspect(tmp_path)
    assert report["kind"] == "tokenizer" and report["type"] == "BPE" and report["tokenizer"]["size"] == 49152


def test_data_is_counted_and_bad_rows_are_named(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "one"}\n{"prompt": "a", "completion": "b"}\n{"txt": "three"}\n{"text": \n')
    report = inspect(rows, code=INPUT)
    counts = report["files"][0]
    assert (counts["rows"], counts["bad_rows"], counts["formats"]) == (4, 2, {"prompt_completion": 1, "text": 1})
    assert any("rows.jsonl:3" in problem for problem in report["problems"])
    assert any("rows.jsonl:4" in problem for problem in report["problems"])


def test_a_run_is_described(recipe):
    run("lore", "train", recipe)
    folder = recipe.parent / "run"
    report = inspect(folder)
    assert report["kind"] == "run" and report["sound"] and report["steps"] == 6
    assert report["exit"]["reason"] == "finished" and report["validation"]["points"] == 4
    assert report["adapter"]["sound"] and report["adapter"]["frobenius"] > 0
    assert inspect(folder / "adapter")["binding"]["name"] == "small"
    (folder / "run.json").unlink()
    assert any("run.json: is missing" in problem for problem in inspect(folder, code=INPUT)["problems"])


def test_what_is_not_known_is_said_with_what_was_looked_for(tmp_path):
    for path, text in ((tmp_path, "is empty; looked for an adapter"), (tmp_path / "nowhere", "does not exist")):
        result = run("lore", "inspect", path, check=False)
        assert result.returncode == INPUT and text in result.stderr


@pytest.mark.parametrize("arguments", [[], ["x", "--diff", "a", "b"], ["--diff", "a"]])
def test_mistakes_of_usage(arguments):
    assert run("lore", "inspect", *arguments, check=False).returncode == USAGE


def test_different_kinds_are_not_compared(made, base):
    result = run("lore", "inspect", "--diff", made / "a", base.name_or_path, check=False)
    assert result.returncode == USAGE and "two adapters or two models" in result.stderr


def test_the_picture_shows_each_module_once(adapter, tmp_path):
    run("lore", "inspect", adapter, "--svg", tmp_path / "norms.svg")
    titles = [node.text for node in ElementTree.parse(tmp_path / "norms.svg").iter() if node.tag.endswith("title")]
    assert len(titles) == 6 and any(title.startswith("layer 1 down_proj: ") for title in titles)


def test_only_a_terminal_gets_colours(adapter):
    """A pseudo-terminal does, unless NO_COLOR is set; a pipe does not."""

    def on_terminal(**variables):
        master, slave = pty.openpty()
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | variables
        subprocess.run([BIN / "lore", "inspect", adapter], stdout=slave, env=environment | {"TERM": "xterm-256color"},
                       check=True)
        os.close(slave)
        text = b""
        try:
            while piece := os.read(master, 65536):
                text += piece
        except OSError:
            pass
        os.close(master)
        return text

    assert b"\x1b[48;5;" in on_terminal()
    assert b"\x1b" not in on_terminal(NO_COLOR="1")
    assert "\x1b" not in run("lore", "inspect", adapter).stdout


def test_names_in_a_file_cannot_steer_the_terminal(adapter):
    path = adapter / "adapter_model.safetensors"
    tensors = load_file(path)
    tensors["base_model.model.evil\x1b[2J.lora_A.weight"] = torch.ones(4, 4)
    save_file(tensors, path, metadata={"format": "pt"})
    result = run("lore", "inspect", adapter, check=False)
    assert result.returncode == INPUT and "\x1b" not in result.stdout + result.stderr


def test_the_model_card_tells_everything_but_paths(recipe, model):
    (model / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Small\n")
    try:
        run("lore", "train", recipe, "--set", "training.checkpoint_every_steps=3")
    finally:
        (model / "README.md").unlink()
    for name in ("adapter", "best", "checkpoints/step-000003"):
        card = (recipe.parent / "run" / name / "README.md").read_text()
        assert card.startswith('---\nbase_model: "small"\nlibrary_name: peft\n') and 'license: "apache-2.0"' in card
        assert str(recipe.parent) not in card and str(model.parent) not in card
        assert "train.jsonl" in card and "| 0 | " in card and "learning_rate" in card
    manifest = json.loads((recipe.parent / "run" / "adapter" / "lore_manifest.json").read_text())
    card = (recipe.parent / "run" / "adapter" / "README.md").read_text()
    assert manifest["hashes"]["base"]["sha256"] in card
    assert all(entry["sha256"] in card for entry in manifest["hashes"]["data"])
    assert manifest["adapter"]["r"] == 4 and manifest["adapter"]["lora_alpha"] == 8
    from huggingface_hub import ModelCard

    assert ModelCard(card).data.base_model == "small"


def test_the_name_of_the_base_is_never_a_private_path(recipe, made, base, tmp_path):
    adapter = shutil.copytree(made / "a", tmp_path / "foreign")
    path = adapter / "adapter_config.json"

    def written(name, *arguments):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": name}))
        run("lore", "train", recipe, "--overwrite", "--set", f"adapter.init_from={adapter}", "--set", "adapter.r=4", "--set",
            "training.max_steps=1", *arguments)
        return json.loads((recipe.parent / "run" / "adapter" / "adapter_config.json").read_text())["base_model_name_or_path"]

    assert written("/home/someone/base") == "small"
    assert written("owner/base") == "owner/base"
    assert written("owner/base", "--set", "adapter.base_model_name_or_path=other/name") == "other/name"
    refused = run("lore", "train", recipe, "--set", "adapter.base_model_name_or_path=/home/x/base", check=False)
    assert refused.returncode == USAGE and "path of this machine" in refused.stderr


def test_going_on_from_an_adapter_of_another_base_is_refused(recipe, tmp_path):
    run("lore", "train", recipe)
    adapter = shutil.copytree(recipe.parent / "run" / "adapter", tmp_path / "first")
    manifest = json.loads((adapter / "lore_manifest.json").read_text())
    manifest["hashes"]["base"]["sha256"] = "0" * 64
    (adapter / "lore_manifest.json").write_text(json.dumps(manifest))
    arguments = ["train", recipe, "--overwrite", "--set", f"adapter.init_from={adapter}"]
    refused = run("lore", *arguments, check=False)
    assert refused.returncode == 4 and "other values" in refused.stderr and "--allow-base-mismatch" in refused.stderr
    run("lore", *arguments, "--allow-base-mismatch")
    facts = json.loads((recipe.parent / "run" / "run.json").read_text())
    assert "other values" in facts["adapter"]["base_mismatch_allowed"]
