"""What documents and --help say can be typed is typed here, in a folder like the repository."""

import functools
import os
import re
import shlex
import shutil
import subprocess

import pytest
from lore_program import BIN, REPOSITORY, SMOLLM2, run

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")),
         REPOSITORY / "data-samples" / "README.md"]
# A command line stands in an indented block; a word in capitals or brackets stands for something else.
COMMAND = re.compile(r"^ {4}(lore .*)$")
PLACEHOLDER = re.compile(r"[\[\]|]|\.\.\.|(?<![\w./=-])[A-Z][A-Z_]+(?![\w./])|=VALUE")
LONG_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def commands():
    """(page, command line), continuation lines joined, comments after two spaces left out."""
    for page in PAGES:
        lines = page.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            match = COMMAND.match(line)
            if not match:
                continue
            text = match[1]
            for following in lines[number + 1 :]:
                if not following.startswith("      "):
                    break
                text += " " + following.strip()
            yield page.name, re.split(r"  +(?![\[(-])|\s#", text)[0]


def words_of(command):
    return command.replace("(", " ").replace(")", " ").split()[1:]


@functools.cache
def help_of(*names):
    """What --help of a subcommand prints; None where there is no such subcommand."""
    result = run("lore", *names, "--help", check=False)
    return result.stdout if result.returncode == 0 else None


def subcommand_of(command):
    """The words that name a subcommand, as `recipe check`."""
    names = []
    for word in words_of(command):
        if not re.fullmatch(r"[a-z][a-z-]*", word) or help_of(*names, word) is None:
            break
        names.append(word)
    return names


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A folder in which the paths of the documents exist."""
    folder = tmp_path_factory.mktemp("scratch")
    for name in ("recipes", "data-samples"):
        shutil.copytree(REPOSITORY / name, folder / name)
    held_out = folder / "data-samples" / "terms.heldout.jsonl"  # asked whole it takes a minute
    held_out.write_text("".join(held_out.read_text(encoding="utf-8").splitlines(True)[:24]), encoding="utf-8")
    (folder / ".deps").symlink_to(REPOSITORY / ".deps")
    (folder / "smollm2.gguf").symlink_to(SMOLLM2)
    return folder


def test_the_documents_show_commands():
    assert len({page for page, _ in commands()}) >= 4


@pytest.mark.parametrize("page, command", sorted(set(commands())))
def test_each_command_in_the_documents_is_one_the_program_knows(page, command):
    names = subcommand_of(command)
    assert names, f"{page}: {command}: no such subcommand"
    known = help_of(*names)
    for option in LONG_OPTION.findall(command):
        assert option in LONG_OPTION.findall(known), f"{page}: {command}: {option} is not in lore {' '.join(names)} --help"


def runnable():
    """Commands of the documents and of every --help that can be run as they stand: training first, then merging."""
    shown = {command for _, command in commands()}
    for name in subcommands():
        footer = help_of(*name).partition("Example")[2]
        shown |= {line.strip() for line in footer.splitlines() if line.strip().startswith("lore ")}
    whole = [c for c in shown if not PLACEHOLDER.search(c) and "qwen" not in c and "llama-2" not in c]
    first = ("lore train", "lore merge --base")  # others use the adapter and the merged models
    return sorted(whole, key=lambda command: ([not command.startswith(start) for start in first], command))


def subcommands():
    script = run("lore", "completion", "bash").stdout
    return [name.split() for name in re.findall(r'^    " ([a-z -]+)"\)', script, re.MULTILINE)]


@pytest.mark.parametrize("command", runnable())
def test_each_whole_command_runs(command, scratch):
    words = shlex.split(command)[1:]
    if words[0] == "train":
        words += ["--set", "training.max_steps=3", "--set", "data.train[0].limit=8", "--set", "data.validation[0].limit=2"]
        if "--resume" not in words:
            words += ["--overwrite"]
    if words[0] == "verify-resume":
        words[words.index("--kills") + 1] = "1"
        words += ["--set", "training.max_steps=2", "--set", "data.train[0].limit=8", "--set", "data.validation[0].limit=2"]
    if words[0] == "generate":
        words += ["--max-new-tokens", "8"]
    if words[:2] == ["evaluate", "recipes/enterprise-terms.yaml"]:
        words += ["--set", "data.validation[0].limit=4", "--set", "evaluation.suites[0].limit=6", "--set",
                  "evaluation.suites[1].limit=6"]
    if words[0] == "quantize":
        words += ["--calibration-tokens", "64", "--evaluate-tokens", "64"]
    if words[0] in ("merge", "convert", "quantize") and (scratch / words[words.index("--output") + 1]).exists():
        words += ["--overwrite"]
    result = subprocess.run([BIN / "lore", *words], cwd=scratch, capture_output=True, text=True, timeout=240)
    # An adapter of three steps need not pass the recipe's gates.
    assert result.returncode == 0 or (words[0] == "evaluate" and result.returncode == 4), result.stderr


def test_every_subcommand_has_help_with_an_example():
    takes_nothing = (["recipe", "schema"], ["recipe", "reference"], ["recipe", "init"])
    for name in subcommands():
        text = help_of(*name)
        assert "Usage" in text, name
        if name[0] != "completion" and name not in (["recipe"], *takes_nothing):
            assert "Example" in text, f"lore {' '.join(name)} --help shows no example"


@pytest.mark.parametrize("typed, offered", [
    (["lore", "tr"], ["train"]),
    (["lore", "recipe", "c"], ["check"]),
    (["lore", "train", "--over"], ["--overwrite"]),
    (["lore", "train", "reci"], []),
])
def test_bash_completes(typed, offered):
    script = (f"source <({BIN / 'lore'} completion bash); COMP_WORDS=({shlex.join(typed)}); "
              f"COMP_CWORD={len(typed) - 1}; _lore; echo \"${{COMPREPLY[@]}}\"")
    result = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True, env=os.environ)
    assert result.stdout.split() == offered


def test_an_unknown_command_is_named_with_the_nearest():
    result = run("lore", "trian", check=False)
    assert result.returncode == 2 and "unknown command 'trian' (did you mean 'train'?)" in result.stderr
