"""`lore merge` as a user runs it: what it writes, refuses and leaves behind."""

import json
import resource
import shutil
import signal
import subprocess
import time

import families
import pytest
import torch
from lore_program import BIN, REPOSITORY, SMOLLM2, run
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

OK, USAGE, INPUT, REFUSED, RESOURCES = 0, 2, 3, 4, 5


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A small bfloat16 base with SmolLM2's tokenizer, and a random adapter on it."""
    folder = tmp_path_factory.mktemp("case")
    tokenizer = AutoTokenizer.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name)
    families.FAMILIES["cli"] = ("Llama", dict(families.SIZES, vocab_size=len(tokenizer), num_hidden_layers=2,
                                              tie_word_embeddings=True))
    families.make("cli", folder / "base").to(torch.bfloat16).save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    (folder / "base" / "tokenizer.model").unlink(missing_ok=True)  # transformers puts the whole GGUF there
    (folder / "base" / "LICENSE").write_text("terms\n")
    (folder / "base" / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Small\n")
    base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.bfloat16)
    families.random_adapter(base, folder / "adapter", 0.1, r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    return folder


@pytest.fixture
def adapter(case, tmp_path):
    """A copy of the adapter that a test may damage."""
    return shutil.copytree(case / "adapter", tmp_path / "adapter")


def merge(base, adapter, output, *arguments, check=True, **options):
    command = [str(BIN / "lore"), "merge", "--base", base, "--adapter", adapter, "--output", output, *arguments]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    if check:
        assert result.returncode == OK, result.stderr
    return result


def change(adapter, edit):
    path = adapter / "adapter_model.safetensors"
    weights = load_file(path)
    edit(weights)
    save_file(weights, path, metadata={"format": "pt"})


def check_nothing_left(folder):
    assert [path.name for path in folder.iterdir() if path.name.startswith("out")] == []


def test_the_output_is_a_complete_model_folder(case, tmp_path):
    result = merge(case / "base", case / "adapter", tmp_path / "out")
    out = tmp_path / "out"
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "LICENSE",
                 "special_tokens_map.json", "chat_template.jinja"):
        assert (out / name).read_bytes() == (case / "base" / name).read_bytes(), name
    report = json.loads((out / "lore_merge.json").read_text())
    assert report["proof"]["verified"] and report["base"]["binding"] == "not recorded"
    card = (out / "README.md").read_text()
    assert 'license: "apache-2.0"' in card and report["base"]["sha256"] in card and str(tmp_path) not in card
    assert "left after rounding to bfloat16" in result.stdout and "KL" in result.stdout
    assert "lore_manifest.json" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert "risk" in merge_and_generate(out)


def merge_and_generate(folder):
    return run("lore", "generate", "--base", folder, "--prompt", "risk", "--max-new-tokens", "2").stdout


def test_the_same_merge_gives_the_same_bytes_with_any_number_of_threads(case, tmp_path):
    merge(case / "base", case / "adapter", tmp_path / "one", "--threads", 1, "--no-verify")
    merge(case / "base", case / "adapter", tmp_path / "two", "--threads", 2, "--no-verify")
    assert (tmp_path / "one" / "model.safetensors").read_bytes() == (tmp_path / "two" / "model.safetensors").read_bytes()


def test_json_and_no_verify_are_recorded(case, tmp_path):
    report = json.loads(merge(case / "base", case / "adapter", tmp_path / "out", "--no-verify", "--json").stdout)
    assert report["proof"] == {"verified": False, "reason": "--no-verify"}
    assert json.loads((tmp_path / "out" / "lore_merge.json").read_text())["proof"]["verified"] is False


def test_a_probe_file_is_used(case, tmp_path):
    (tmp_path / "probe.txt").write_text("one line\n\nanother line\n")
    report = json.loads(merge(case / "base", case / "adapter", tmp_path / "out", "--probe", tmp_path / "probe.txt",
                              "--json").stdout)
    assert report["proof"]["probe"]["source"] == "probe.txt" and report["proof"]["probe"]["sequences"] == 2


def zero_b(weights):
    for key in weights:
        if "lora_B" in key:
            weights[key].zero_()


def tiny_b(weights):
    for key in weights:
        if "lora_B" in key:
            weights[key].mul_(1e-9)


def nan_in_a(weights):
    next(value for key, value in weights.items() if "layers.1.self_attn.v_proj.lora_A" in key)[0, 0] = float("nan")


def drop_one(weights):
    del weights[next(key for key in weights if "lora_B" in key)]


def transpose_one(weights):
    key = next(key for key in weights if "lora_A" in key)
    weights[key] = weights[key].T.contiguous()


@pytest.mark.parametrize("edit, code, message", [
    (zero_b, REFUSED, "changes nothing"),
    (tiny_b, REFUSED, "left after rounding"),
    (nan_in_a, INPUT, "layers.1.self_attn.v_proj.lora_A.weight: holds NaN"),
    (drop_one, INPUT, "is missing"),
    (transpose_one, INPUT, "expected [4,64]"),
])
def test_adapters_that_cannot_be_merged_are_refused(case, adapter, tmp_path, edit, code, message):
    change(adapter, edit)
    result = merge(case / "base", adapter, tmp_path / "out", check=False)
    assert result.returncode == code and message in result.stderr, result.stderr
    check_nothing_left(tmp_path)


@pytest.mark.parametrize("key, value, message", [
    ("use_dora", True, "lora_magnitude_vector is missing"),
    ("modules_to_save", ["lm_head"], "base_model.model.lm_head.weight is missing"),
    ("modules_to_save", ["lm_haed"], 'did you mean "lm_head"'),
    ("target_modules", ["q_proj", "v_proj", "embed_tokens"], "embed_tokens.lora_embedding_B is missing"),
])
def test_parts_that_the_configuration_names_must_be_there(case, adapter, tmp_path, key, value, message):
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    result = merge(case / "base", adapter, tmp_path / "out", check=False)
    assert result.returncode == INPUT and message in result.stderr
    check_nothing_left(tmp_path)


@pytest.mark.parametrize("key, value", [("lora_bias", True), ("ensure_weight_tying", True),
                                        ("trainable_token_indices", [1, 2])])
def test_kinds_of_adapters_that_are_not_supported_are_refused(case, adapter, tmp_path, key, value):
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    result = merge(case / "base", adapter, tmp_path / "out", check=False)
    assert result.returncode == INPUT and "not supported" in result.stderr
    check_nothing_left(tmp_path)


@pytest.mark.parametrize("tensor", ["model.layers.1.self_attn.q_proj.weight", "model.norm.weight"])
def test_a_base_with_nan_is_named(case, tmp_path, tensor):
    shutil.copytree(case / "base", tmp_path / "base")
    weights = load_file(tmp_path / "base" / "model.safetensors")
    weights[tensor].view(-1)[3] = float("inf")
    save_file(weights, tmp_path / "base" / "model.safetensors", metadata={"format": "pt"})
    result = merge(tmp_path / "base", case / "adapter", tmp_path / "out", check=False)
    assert result.returncode == INPUT and f"{tensor}: holds NaN or infinite" in result.stderr
    check_nothing_left(tmp_path)


def bind(adapter, report):
    (adapter / "lore_manifest.json").write_text(json.dumps({"format": 1, "hashes": {"base": {
        key: report["base"][key] for key in ("name", "sha256", "tensors", "bytes")}}}))


def test_another_base_than_the_manifest_names_is_refused(case, adapter, tmp_path):
    report = json.loads(merge(case / "base", adapter, tmp_path / "first", "--no-verify", "--json").stdout)
    bind(adapter, report)
    same = json.loads(merge(case / "base", adapter, tmp_path / "same", "--no-verify", "--json").stdout)
    assert same["base"]["binding"] == "same base"
    base = AutoModelForCausalLM.from_pretrained(case / "base", dtype=torch.bfloat16)
    base.save_pretrained(tmp_path / "resharded", max_shard_size="500KB")
    again = merge(tmp_path / "resharded", adapter, tmp_path / "again", "--no-verify", "--json")
    assert json.loads(again.stdout)["base"]["binding"] == "same base"
    with torch.no_grad():
        base.model.norm.weight[0] += 1
    base.save_pretrained(tmp_path / "other")
    refused = merge(tmp_path / "other", adapter, tmp_path / "out", check=False)
    assert refused.returncode == REFUSED
    assert "other values" in refused.stderr and report["base"]["sha256"][:16] in refused.stderr
    check_nothing_left(tmp_path)
    allowed = merge(tmp_path / "other", adapter, tmp_path / "out", "--allow-base-mismatch", "--no-verify", "--json")
    recorded = json.loads(allowed.stdout)["base"]
    assert recorded["binding"] == "other base allowed" and "other values" in recorded["difference"]


def test_an_adapter_that_lore_trained_is_bound_to_its_base(case, tmp_path):
    rows = (REPOSITORY / "data-samples" / "terms.train.jsonl").read_text(encoding="utf-8").splitlines(True)
    (tmp_path / "train.jsonl").write_text("".join(rows[:8]), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(
        f"model: {{ path: {case / 'base'}, dtype: float32 }}\n"
        "adapter: { r: 4, lora_alpha: 8, target_modules: [q_proj, v_proj] }\n"
        "data: { train: [{ path: train.jsonl }] }\n"
        "training: { max_steps: 3, batch_size: 4, learning_rate: 1.0e-2 }\n"
        "output_dir: run\n")
    run("lore", "train", tmp_path / "recipe.yaml")
    adapter = tmp_path / "run" / "adapter"
    result = merge(case / "base", adapter, tmp_path / "out", "--json")
    assert json.loads(result.stdout)["base"]["binding"] == "same base" and "lore_manifest.json" not in result.stderr
    refused = merge(SMOLLM2, adapter, tmp_path / "out2", check=False)
    assert refused.returncode != OK
    check_nothing_left(tmp_path / "run")


def test_a_full_disk_leaves_nothing(case, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    result = merge(case / "base", case / "adapter", tmp_path / "out", check=False, preexec_fn=limit)
    assert result.returncode == RESOURCES and "cannot be written" in result.stderr
    check_nothing_left(tmp_path)


@pytest.mark.parametrize("delay", [0.3, 0.6, 1.0])
def test_an_interrupt_leaves_nothing_or_everything(case, tmp_path, delay):
    process = subprocess.Popen([BIN / "lore", "merge", "--base", case / "base", "--adapter", case / "adapter",
                                "--output", tmp_path / "out"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    for line in process.stderr:
        if b"lore_manifest.json" in line:  # from here on signals are handled
            break
    time.sleep(delay - 0.3)
    process.send_signal(signal.SIGINT)
    code = process.wait(timeout=60)
    process.stderr.close()
    assert code in (130, OK)
    if code == 130:
        check_nothing_left(tmp_path)
    else:
        assert (tmp_path / "out" / "lore_merge.json").is_file()


def test_an_output_in_use_is_refused_and_only_merged_models_are_replaced(case, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    for arguments in ([], ["--overwrite"]):
        assert merge(case / "base", case / "adapter", out, *arguments, check=False).returncode == REFUSED
        assert (out / "notes.txt").read_text() == "mine"
    (out / "notes.txt").unlink()
    merge(case / "base", case / "adapter", f"{out}/", "--no-verify")
    assert merge(case / "base", case / "adapter", out, check=False).returncode == REFUSED
    merge(case / "base", case / "adapter", out, "--no-verify", "--overwrite")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("output", ["base", ""])
def test_an_output_that_holds_an_input_is_refused(case, output):
    before = sorted(p.name for p in case.rglob("*"))
    assert merge(case / "base", case / "adapter", case / output, "--overwrite", check=False).returncode == USAGE
    assert sorted(p.name for p in case.rglob("*")) == before


@pytest.mark.parametrize("arguments, code", [(["--dtype", "int8"], USAGE), (["--shard-size", "much"], USAGE),
                                             (["--probe", "nowhere"], INPUT)])
def test_mistakes_get_their_exit_code(case, tmp_path, arguments, code):
    assert merge(case / "base", case / "adapter", tmp_path / "out", *arguments, check=False).returncode == code
    check_nothing_left(tmp_path)
