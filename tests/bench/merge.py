"""Measures `lore merge` beside PEFT's merge_and_unload and beside `cp` of the same weights.

    merge.py [--rounds N]

Each round runs every side once, in turn, in fresh processes: Lore with and without its proof, and where the base's hash
is known from an earlier run; PEFT; `cp`, and `cp` followed by a flush of the copy, which Lore always does. Prints the
medians: seconds from exec to exit, peak resident and peak anonymous memory (sampled every 5 ms). Writes
build/bench/merge.json and build/bench/merge.md. Takes about ten minutes on 2 cores.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
WORK = ROOT / "build" / "bench" / "merge"
LORE = ROOT / "build" / "release" / "bin" / "lore"
GGUF = ROOT / ".deps" / "models" / "smollm2-135m-instruct" / "SmolLM2-135M-Instruct.Q4_1.gguf"
MODELS = ["smollm2-135m", "tinyllama-1.1b-shape"]


def anonymous_bytes(pid):
    """Anonymous memory of a live process, 0 when it has gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0


def run(command, cache):
    """Runs a fresh process; returns its seconds from exec to exit, and its peak memory in bytes."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": str(cache)}
    log = WORK / "last.log"
    with log.open("w") as output:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=output, env=environment)
        anonymous = 0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid != 0:
                break
            anonymous = max(anonymous, anonymous_bytes(process.pid))
            time.sleep(0.005)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {command[0]} exited {process.returncode}:\n{log.read_text()}")
    return {"seconds": seconds, "peak_bytes": usage.ru_maxrss * 1024, "anonymous_bytes": anonymous}


def sides(model):
    """Name of each side, its command and whether it may know hashes of earlier runs."""
    base, adapter, output = model / "base", model / "adapter", model / "output"
    weights = base / "model.safetensors"
    merge = [LORE, "merge", "--base", base, "--adapter", adapter, "--output", output]
    return {"lore merge --no-verify": ([*merge, "--no-verify"], False),
            "the same, hash of the base known": ([*merge, "--no-verify"], True),
            "lore merge, proved": (merge, False),
            "PEFT merge_and_unload, save_pretrained": ([sys.executable, HERE / "peft_merge.py", base, adapter, output],
                                                       False),
            "cp": (["cp", weights, output], False),
            "cp and flush": (["sh", "-c", f"cp '{weights}' '{output}' && sync '{output}'/*"], False)}


def measure(name, rounds):
    model = WORK / name
    runs = {side: [] for side in sides(model)}
    for turn in range(rounds + 1):  # the first warms the page cache and the known hash, and is not counted
        for side, (command, warm) in sides(model).items():
            output, cold = model / "output", WORK / "cold"
            for folder in (output, cold):
                shutil.rmtree(folder, ignore_errors=True)
            if "cp" in side:
                output.mkdir()
            subprocess.run(["sync"], check=True)
            result = run(command, WORK / "warm" if warm else cold)
            if turn > 0:
                runs[side].append(result)
    shutil.rmtree(model / "output", ignore_errors=True)
    return {"model": name, "bytes": (model / "base" / "model.safetensors").stat().st_size,
            "medians": {side: {key: statistics.median(run[key] for run in results) for key in results[0]}
                        for side, results in runs.items()}}


def table(results):
    lines = ["| model | side | seconds | times cp | peak resident, MiB | peak anonymous, MiB |",
             "|---|---|---:|---:|---:|---:|"]
    for result in results:
        cp = result["medians"]["cp"]["seconds"]
        for side, median in result["medians"].items():
            lines.append(f"| {result['model']} ({result['bytes'] / 1e9:.2f} GB) | {side} | {median['seconds']:.2f} | "
                         f"{median['seconds'] / cp:.2f} | {median['peak_bytes'] / 2**20:.0f} | "
                         f"{median['anonymous_bytes'] / 2**20:.0f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="counted runs of each side (default 5)")
    rounds = parser.parse_args().rounds
    if not (WORK / MODELS[-1] / "adapter").exists():
        WORK.mkdir(parents=True, exist_ok=True)
        print("bench: making the models to merge (once)", flush=True)
        run([sys.executable, HERE / "prepare_merge.py", GGUF, WORK], WORK / "cold")
    results = [measure(name, rounds) for name in MODELS]
    (WORK.parent / "merge.json").write_text(json.dumps(results, indent=2))
    (WORK.parent / "merge.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
