"""`lore train --resume`: the same bytes whenever a run is stopped, and refusals where they could differ."""

import hashlib
import json
import shutil
import signal
import subprocess
import time

import pytest
from lore_program import BIN, run

OK, USAGE, INPUT, REFUSED, RESOURCES = 0, 2, 3, 4, 5
ADAPTER = "adapter/adapter_model.safetensors"
STEPS = 6
# Accumulation, packing, dropout, borders of epochs within the run, validation in between, weight decay.
HARD = ["--set", "training.max_steps=6", "--set", "training.batch_size=2", "--set", "training.gradient_accumulation_steps=2",
        "--set", "data.packing=true", "--set", "data.max_length=512", "--set", "training.weight_decay=0.1",
        "--set", "data.train[0].limit=20", "--set", "data.validation[0].limit=4", "--set", "training.keep_last=100"]
METHODS = {
    "lora": [],
    "dora and LoRA+": ["adapter.use_dora=true", "training.loraplus_lr_ratio=4"],
    "pissa": ["adapter.init_lora_weights=pissa"],
    "eva": ["adapter.init_lora_weights=eva", "adapter.target_modules=all-linear"],
    "whole modules, frozen A": ["adapter.modules_to_save=[norm]", "adapter.target_modules=[q_proj, embed_tokens]",
                                "adapter.freeze_a=true"],
}


def train(recipe, *arguments, check=True):
    return run("lore", "train", recipe, *arguments, check=check)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def lasting(folder):
    """What metrics.jsonl says, without what depends on the clock."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if "second" not in key and key != "peak_rss_bytes"} for row in rows]


def settings(*pairs):
    return [word for pair in pairs for word in ("--set", pair)]


@pytest.mark.parametrize("method", METHODS)
def test_a_run_resumed_after_any_step_ends_with_the_same_bytes(recipe, method):
    every = [*HARD, *settings(*METHODS[method], "training.checkpoint_every_steps=1")]
    whole = recipe.parent / "run"
    train(recipe, *every)
    wanted, metrics = sha256(whole / ADAPTER), lasting(whole)
    assert len({row.get("epoch", 0) // 1 for row in metrics}) > 1, "no border between epochs was crossed"
    steps = range(1, STEPS) if method == "lora" else (2, 5)
    for step in steps:
        part = recipe.parent / f"from-{step}"
        result = train(recipe, *every, "--output", part, "--resume-from", whole / "checkpoints" / f"step-{step:06}")
        assert f"resumed    after step {step} " in result.stderr
        assert sha256(part / ADAPTER) == wanted, f"{method}: resumed after step {step}"
        assert lasting(part) == metrics
        assert sha256(part / "best/adapter_model.safetensors") == sha256(whole / "best/adapter_model.safetensors")
        assert (part / "loss.svg").read_bytes() == (whole / "loss.svg").read_bytes()


def started(recipe, *arguments):
    return subprocess.Popen([BIN / "lore", "train", recipe, *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            text=True, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))  # no nohup


def until(process, text):
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"the run ended before it said {text!r}")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"])
def test_a_signal_leaves_a_checkpoint_and_the_run_goes_on_to_the_same_adapter(recipe, name):
    long = settings("training.max_steps=40", "evaluation.every_steps=5")
    number = getattr(signal, name)
    process = started(recipe, *long)
    until(process, "step 3/")
    process.send_signal(number)
    assert process.wait(timeout=60) == 128 + number
    process.stderr.close()
    folder = recipe.parent / "run"
    exit = json.loads((folder / "run.json").read_text())["exit"]
    assert exit["reason"] == "signal" and 3 <= exit["steps"] < 40
    assert (folder / f"checkpoints/step-{exit['steps']:06}/checkpoint.json").is_file()
    if name == "SIGTERM":
        outcome = json.loads(train(recipe, *long, "--resume", "--json").stdout)
        assert outcome["resumed_step"] == exit["steps"] and outcome["steps"] == 40
        whole = recipe.parent / "whole"
        train(recipe, *long, "--output", whole)
        assert sha256(folder / ADAPTER) == sha256(whole / ADAPTER) and lasting(folder) == lasting(whole)


def test_a_second_ctrl_c_stops_at_once_and_the_last_checkpoint_stands(recipe):
    process = started(recipe, *settings("training.max_steps=100000", "training.checkpoint_every_steps=2"))
    until(process, "step 4  checkpoint written")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) in (-signal.SIGINT, 128 + signal.SIGINT)
    process.stderr.close()
    result = train(recipe, *settings("training.max_steps=5", "training.checkpoint_every_steps=2"), "--resume",
                   "--resume-anyway", "training.max_steps", check=False)
    assert "resumed    after step" in result.stderr


def test_a_limit_of_time_stops_as_a_signal_does(recipe):
    before = time.monotonic()
    result = train(recipe, *settings("training.max_steps=1000000"), "--max-time", "3s", check=False)
    assert result.returncode == 128 + signal.SIGALRM and time.monotonic() - before < 30
    assert "--resume" in result.stderr
    assert train(recipe, "--max-time", "soon", check=False).returncode == USAGE


def test_rotation_keeps_the_last_the_best_and_every_nth(recipe):
    train(recipe, *settings("training.max_steps=12", "training.checkpoint_every_steps=1", "training.keep_last=2",
                            "training.keep_every=5", "training.keep_best=1", "training.learning_rate=0.3",
                            "evaluation.every_steps=3"))
    kept = sorted(int(path.name[5:]) for path in (recipe.parent / "run/checkpoints").iterdir())
    losses = {row["step"]: row["loss"] for row in lasting(recipe.parent / "run") if row["kind"] == "validation" and row["step"]}
    assert kept == sorted({11, 12, 5, 10, min(losses, key=losses.get)})


@pytest.fixture
def stopped(recipe):
    """A recipe whose run ended after step 4 of 6 as if it was killed there: (recipe, run, its settings)."""
    every = settings("training.checkpoint_every_steps=2")
    train(recipe, *every)
    folder = recipe.parent / "run"
    shutil.rmtree(folder / "checkpoints/step-000006")
    (folder / "run.json").unlink()
    return recipe, folder, every


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(stopped):
    recipe, folder, every = stopped
    wanted = sha256(folder / ADAPTER)
    shutil.copytree(folder / "checkpoints/step-000004", folder / "checkpoints/step-000002")
    path = folder / "checkpoints/step-000004/training_state.safetensors"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    (folder / "checkpoints/step-000005.abcdef").mkdir()  # what a kill leaves
    result = train(recipe, *every, "--resume")
    assert "step-000004: is damaged and passed over: training_state.safetensors" in result.stderr
    assert sha256(folder / ADAPTER) == wanted
    assert not (folder / "checkpoints/step-000005.abcdef").exists()
    # Nothing sound is left: no silent start over.
    for checkpoint in (folder / "checkpoints").iterdir():
        (checkpoint / "metrics.jsonl").write_text("")
    (folder / "run.json").unlink()
    result = train(recipe, *every, "--resume", check=False)
    assert result.returncode == INPUT and "no sound checkpoint" in result.stderr


def test_what_would_change_the_bytes_is_refused_with_the_difference(stopped, model):
    recipe, folder, every = stopped
    cases = {
        "training.learning_rate: was 0.001, is 0.002": settings("training.learning_rate=2e-3"),
        "threads: was ": ["--threads", "3"],
        "data.train.0.limit: was unset, is 23": settings("data.train[0].limit=23"),
    }
    for message, change in cases.items():
        refused = train(recipe, *every, "--resume", *change, check=False)
        assert refused.returncode == REFUSED and message in refused.stderr, refused.stderr
    rows = recipe.parent / "train.jsonl"
    text = rows.read_text(encoding="utf-8")
    rows.write_text("".join(text.splitlines(True)[:-1]), encoding="utf-8")
    refused = train(recipe, *every, "--resume", check=False)
    assert refused.returncode == REFUSED and "data.files.train.0 train.jsonl: was " in refused.stderr
    rows.write_text(text, encoding="utf-8")
    other = recipe.parent / "other"
    shutil.copytree(model, other)
    weights = bytearray((other / "model.safetensors").read_bytes())
    weights[-2] ^= 1
    (other / "model.safetensors").write_bytes(weights)
    refused = train(recipe, *every, "--resume", "--set", f"model.path={other}", check=False)
    assert refused.returncode == REFUSED and "base.sha256: was " in refused.stderr
    mistaken = train(recipe, *every, "--resume", "--resume-anyway", "training.learning_rat", check=False)
    assert mistaken.returncode == USAGE and "training.learning_rate" in mistaken.stderr
    allowed = train(recipe, *every, "--resume", *settings("training.learning_rate=2e-3"), "--resume-anyway", "training")
    assert "going on all the same" in allowed.stderr


def test_resume_starts_a_new_run_and_has_nothing_to_do_after_the_end(recipe):
    first = train(recipe, "--resume")
    assert "starts at step 0" in first.stderr
    folder = recipe.parent / "run"
    before = sha256(folder / ADAPTER), (folder / ADAPTER).stat().st_mtime_ns
    again = train(recipe, "--resume", "--json")
    assert json.loads(again.stdout)["reason"] == "already finished"
    assert (sha256(folder / ADAPTER), (folder / ADAPTER).stat().st_mtime_ns) == before
    (recipe.parent / "elsewhere").mkdir()
    (recipe.parent / "elsewhere/notes.txt").write_text("mine")
    refused = train(recipe, "--resume", "--output", recipe.parent / "elsewhere", check=False)
    assert refused.returncode == REFUSED and "no run" in refused.stderr
    assert train(recipe, "--resume", "--overwrite", check=False).returncode == USAGE


def test_one_of_two_processes_on_a_run_is_refused(recipe):
    process = started(recipe, *settings("training.max_steps=100000"))
    until(process, "step 2/")
    for how in ("--resume", "--overwrite"):
        refused = train(recipe, *settings("training.max_steps=100000"), how, check=False)
        assert refused.returncode == REFUSED and "another process" in refused.stderr
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    process.stderr.close()


def test_verify_resume_proves_it(recipe):
    result = run("lore", "verify-resume", recipe, "--kills", "3", "--json",
                 *settings("training.checkpoint_every_steps=1", "evaluation.every_steps=0"))
    verdict = json.loads(result.stdout)
    assert verdict["passed"] and verdict["kills"] == 3 and verdict["torn"] == verdict["different"] == 0
