"""Whatever fails, a run says so in a line, tears nothing, and goes on to the same adapter.

LORE_FAULT_ALL=1 takes every place instead of some, LORE_FAULT_KILLS another number of kills.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest import ADAPTER, ERRORS, damage, sha256, train
from lore_program import BIN, run

INPUT, RESOURCES = 3, 5
EVERYWHERE = os.environ.get("LORE_FAULT_ALL") == "1"
KILLS = int(os.environ.get("LORE_FAULT_KILLS", "8"))


def count(recipe, folder, call):
    train(recipe, folder / "counted", under=folder, call=call, nth=0, errno=0, count=folder / "count")
    return int((folder / "count").read_text())


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
@pytest.mark.parametrize("error", ERRORS)
def test_each_call_that_fails_ends_in_a_line_and_tears_nothing(recipe, wanted, tmp_path, call, error):
    calls = count(recipe, tmp_path, call)
    places = range(1, calls + 1) if EVERYWHERE else sorted({1, calls // 2, calls})
    for nth in places:
        output = tmp_path / f"{nth}"
        result = train(recipe, output, check=False, under=tmp_path, call=call, nth=nth, errno=ERRORS[error])
        errors = [line for line in result.stderr.splitlines() if line.startswith("lore: error: ")]
        assert result.returncode == RESOURCES and len(errors) == 1, f"{call} {nth}: {result.returncode} {result.stderr}"
        assert str(tmp_path) in errors[0] and os.strerror(ERRORS[error]) in errors[0] or "disk full?" in errors[0]
        assert damage(output) == [], f"{call} {nth}"
        if nth in (places[-1], places[len(places) // 2]):
            train(recipe, output, "--resume")
            assert (sha256(output / ADAPTER), damage(output)) == (wanted[0], [])
            left = [path for path in output.rglob("*") if re.search(r"\.[A-Za-z0-9]{6}(\.old|\.tmp)?$", path.name)]
            assert left == []


def test_too_little_room_is_told_before_the_first_step(recipe, tmp_path):
    result = train(recipe, tmp_path / "run", check=False, free=1_000_000)
    assert result.returncode == RESOURCES and "GB are free there" in result.stderr
    assert not (tmp_path / "run").exists()


def test_kills_at_random_moments_tear_nothing_and_change_no_byte(recipe, wanted):
    result = run("lore", "verify-resume", recipe, "--kills", KILLS, "--json", "--set", "training.checkpoint_every_steps=1")
    verdict = json.loads(result.stdout)
    assert (verdict["kills"], verdict["torn"], verdict["different"]) == (KILLS, 0, 0)
    assert verdict["adapter_sha256"] == wanted[0]


def test_a_folder_that_vanishes_or_cannot_be_written_is_told(recipe, tmp_path):
    result = train(recipe, Path("/proc/lore-run"), check=False)
    assert result.returncode == RESOURCES and "/proc/lore-run" in result.stderr
    process = subprocess.Popen([BIN / "lore", "train", recipe, "--output", tmp_path / "run", "--set",
                                "training.max_steps=100000"], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "step 3/" in line:
            break
    (tmp_path / "run").rename(tmp_path / "moved")
    rest = process.stderr.read()
    assert process.wait(timeout=60) == RESOURCES and "is gone" in rest
    process.stderr.close()


def cut(path):
    os.truncate(path, 4096)


def write_into(path):
    with path.open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\0\0\0\0")


@pytest.mark.parametrize("change, message", [(cut, "was cut"), (write_into, "was written into while it was used")])
def test_a_base_that_changes_while_it_is_used_is_told(recipe, tmp_path, change, message):
    model = shutil.copytree(recipe.parent / "model", tmp_path / "model")
    process = subprocess.Popen([BIN / "lore", "train", recipe, "--output", tmp_path / "run", "--set", f"model.path={model}",
                                "--set", "training.max_steps=100000"], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "step 4  checkpoint written" in line:
            break
    change(model / "model.safetensors")
    rest = process.stderr.read()
    assert process.wait(timeout=60) == INPUT and message in rest, rest
    process.stderr.close()
    assert damage(tmp_path / "run") == []


def completed_calls(trace):
    """The calls of an strace -f log in the order they ended, with those that were interrupted put together again."""
    begun = {}
    for line in trace.read_text().splitlines():
        thread, _, call = line.partition(" ")
        if call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>")
        elif match := re.match(r"\s*<\.\.\. \w+ resumed>(.*)", call):
            yield begun.pop(thread) + match[1]
        else:
            yield call


def synced_and_renamed(trace):
    """The fsyncs and renames that worked, in order: ("fsync", path) and ("rename", from, to)."""
    name = r'(?:AT_FDCWD(?:<[^>]*>)?, )?"([^"]*)"'
    events = []
    for call in completed_calls(trace):
        if match := re.search(r"f(?:data)?sync\(\d+<([^>]*)>\s*\) += 0", call):
            events.append(("fsync", match[1]))
        elif match := re.search(rf"rename(?:at2)?\({name}, {name}.*\) += 0", call):
            events.append(("rename", match[1], match[2]))
    return events


def test_files_are_flushed_before_they_get_their_names_and_folders_after(recipe, tmp_path):
    trace = tmp_path / "trace"
    output = tmp_path / "run"
    subprocess.run(["strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync,rename,renameat2", "-o", trace, BIN / "lore",
                    "train", recipe, "--output", output], check=True, capture_output=True)
    events = [event for event in synced_and_renamed(trace) if event[-1].startswith(str(tmp_path))]
    renames = [(place, event[1], event[2]) for place, event in enumerate(events) if event[0] == "rename"]
    assert {f"{output}/{name}" for name in ("adapter", "best", "run.json", "checkpoints/step-000006")} <= {r[2] for r in renames}
    for place, source, target in renames:
        flushed = {event[1] for event in events[:place] if event[0] == "fsync"}
        if target.endswith(".remove"):
            continue  # on its way out
        assert source in flushed, f"{source} was renamed before it was flushed"
        inside = {name.removeprefix(source + "/") for name in flushed if name.startswith(source + "/")}
        if not source.endswith(".tmp"):
            assert "adapter_model.safetensors" in inside, f"{source}: {inside}"
        assert ("fsync", str(Path(target).parent)) in events[place + 1:], f"the folder of {target} was not flushed after"
    sealed = {Path(event[1]).name for event in events if event[0] == "fsync"}
    assert {"checkpoint.json", "training_state.safetensors", "metrics.jsonl", "identity.json"} <= sealed


def after_power_loss(log, until, root, target):
    """Builds in `target` what a disk would hold that kept only what was flushed before event `until`.

    Names stand as of the last fsync of their folder, content as of the last fsync of the file; without one it is empty.
    """
    content, names = {}, {}
    for path in sorted(log.iterdir())[:until]:
        _, kind, inode = path.name.split(".")
        (names if kind == "folder" else content)[inode] = path

    def build(inode, folder):
        folder.mkdir(parents=True)
        for line in names[inode].read_text().splitlines() if inode in names else []:
            child, name = line.split("\t", 1)
            if child in content:
                shutil.copyfile(content[child], folder / name)
            elif child in names or child in KNOWN_FOLDERS:
                build(child, folder / name)
            else:
                (folder / name).touch()

    KNOWN_FOLDERS = {path.name.split(".")[2] for path in log.iterdir() if ".folder." in path.name}
    build(str(root.stat().st_ino), target)


def test_a_loss_of_power_leaves_something_to_go_on_from(recipe, wanted):
    # On tmpfs, which gives no inode number twice.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        disk, log = folder / "disk", folder / "log"
        disk.mkdir()
        log.mkdir()
        train(recipe, disk / "run", under=disk, call="all", nth=0, errno=0, log=log)
        events = len(list(log.iterdir()))
        assert events > 50
        sound = 0
        resumed = {events // 3, 2 * events // 3, events - 1}
        for until in range(events + 1):
            left = folder / "left"
            after_power_loss(log, until, disk, left)
            assert damage(left / "run") == [], f"after event {until} of {events}"
            checkpoints = list((left / "run/checkpoints").glob("step-??????"))
            sound = max(sound, len(checkpoints))
            if sound:
                assert checkpoints, f"after event {until} no checkpoint was left"
            if until in resumed:
                train(recipe, left / "run", "--resume")
                assert sha256(left / "run" / ADAPTER) == wanted[0]
            shutil.rmtree(left)
        assert sound >= 2
