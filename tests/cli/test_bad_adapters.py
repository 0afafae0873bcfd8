"""Each adapter of tests/bad_adapters, and what `inspect`, `inspect --base`, `merge` and `train` say of it.

expected.tsv holds the case, the command, the exit code and the message, in which {adapter} and {base} stand for the
paths; of `inspect` it is the first problem.
"""

import json
import shutil
import sys

import families
import pytest
import torch
from lore_program import REPOSITORY, run
from transformers import AutoModelForCausalLM

sys.path.insert(0, str(REPOSITORY / "tests" / "bad_adapters"))
from cases import CASES  # noqa: E402

EXPECTED = {}
for line in (REPOSITORY / "tests" / "bad_adapters" / "expected.tsv").read_text(encoding="utf-8").splitlines():
    if line and not line.startswith("#"):
        name, command, code, message = line.split("\t")
        EXPECTED[name, command] = (int(code), message)

COMMANDS = ("inspect", "inspect --base", "merge", "train")


@pytest.fixture(scope="module")
def good(model, tmp_path_factory):
    """A good adapter with a manifest, as Lore writes one."""
    folder = tmp_path_factory.mktemp("good")
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    families.random_adapter(base, folder / "adapter", 0.1, r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    report = run("lore", "merge", "--base", model, "--adapter", folder / "adapter", "--output", folder / "merged",
                 "--no-verify", "--json")
    digest = json.loads(report.stdout)["base"]
    (folder / "adapter" / "lore_manifest.json").write_text(json.dumps({
        "format": 1,
        "hashes": {"base": {key: digest[key] for key in ("name", "sha256", "tensors", "bytes")}},
        "adapter": {"r": 4, "lora_alpha": 8, "use_rslora": False, "rank_pattern": {}, "alpha_pattern": {}}}))
    path = folder / "adapter" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": "owner/small"}, indent=2))
    return folder / "adapter"


def outcome(command, adapter, model, recipe, folder):
    """Exit code and message."""
    if command.startswith("inspect"):
        result = run("lore", "inspect", adapter, *(["--base", model] if "--base" in command else []), "--json", check=False)
        if result.stdout:
            problems = json.loads(result.stdout)["problems"]
            return result.returncode, problems[0] if problems else "-"
    elif command == "merge":
        result = run("lore", "merge", "--base", model, "--adapter", adapter, "--output", folder / "merged", "--no-verify",
                     check=False)
    else:
        result = run("lore", "train", recipe, "--set", f"adapter.init_from={adapter}", "--set", "adapter.r=4", "--set",
                     "adapter.lora_alpha=8", "--set", "training.max_steps=1", check=False)
    errors = [line for line in result.stderr.splitlines() if line.startswith("lore: error: ")]
    return result.returncode, errors[0].removeprefix("lore: error: ") if errors else "-"


def spelled(message, adapter, model):
    return message.replace(str(adapter), "{adapter}").replace(str(model), "{base}")


@pytest.mark.parametrize("name", CASES)
def test_each_bad_adapter_is_told_for_what_it_is(name, good, model, recipe, tmp_path):
    adapter = shutil.copytree(good, tmp_path / "adapter")
    CASES[name](adapter)
    for command in COMMANDS:
        code, message = outcome(command, adapter, model, recipe, tmp_path)
        assert (code, spelled(message, adapter, model)) == EXPECTED[name, command], f"{name}: {command}"


def test_the_table_lists_each_case_once_for_each_command():
    assert set(EXPECTED) == {(name, command) for name in CASES for command in COMMANDS}
    assert len(CASES) >= 30
