"""Measures `lore train` and a minimal transformers + PEFT loop side by side on SmolLM2-135M-Instruct.

    bench.py [--pairs N]

Both train the same adapter from the same weights on the same tokens in the same order, with the same number of
threads. First the losses of the steps must agree; then N pairs of fresh processes run in turn, and medians are
reported: start-up (exec to the beginning of step 1), seconds a step, tokens a second, peak memory.
Writes build/bench/results.json and build/bench/results.md. Takes about half an hour on 2 cores.

This process imports nothing large: Linux counts a parent's memory into the peak of the children it starts.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
WORK = ROOT / "build" / "bench"
LORE = ROOT / "build" / "release" / "bin" / "lore"
GGUF = ROOT / ".deps" / "models" / "smollm2-135m-instruct" / "SmolLM2-135M-Instruct.Q4_1.gguf"
DEMO_DATA = ROOT / "data-samples" / "terms.train.jsonl"
THREADS = len(os.sched_getaffinity(0))
STEPS = 6
LEARNING_RATE = 2e-4
# Largest difference of a step's loss; bfloat16 rounds in another order on each side.
TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2}


def cpu():
    """The processor's name and whether it multiplies bfloat16 itself."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return (names or [platform.machine()])[0], "avx512_bf16" in text


def full_rows():
    """Chats longer than 256 tokens, made from the sample corpus: cut to 256 they fill a batch of 4 evenly."""
    path = WORK / "full.jsonl"
    answers = [json.loads(line)["messages"][-1]["content"] for line in DEMO_DATA.open(encoding="utf-8")]
    with path.open("w", encoding="utf-8") as file:
        for i in range(4 * STEPS):
            answer = " ".join(answers[j % len(answers)] for j in range(12 * i, 12 * i + 12))
            messages = [{"role": "user", "content": "Tell me more."}, {"role": "assistant", "content": answer}]
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return path


def run(command, log):
    """Runs a fresh process; returns seconds from exec to exit, its start on the clock, and its peak memory in bytes."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(THREADS)}
    with log.open("w") as output:
        start = time.time()
        process = subprocess.Popen([str(word) for word in command], stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.time() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {command[0]} exited {process.returncode}:\n{log.read_text()}")
    return {"seconds": seconds, "start": start, "peak_bytes": usage.ru_maxrss * 1024}


class Workload:
    """One data set, batch shape and dtype, trained for a few steps on both sides."""

    def __init__(self, name, data, batch_size, max_length, dtype):
        self.name, self.dtype = name, dtype
        self.folder = WORK / f"{name}-{dtype}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.recipe = self.folder / "recipe.json"
        self.recipe.write_text(json.dumps({
            "model": {"path": str(WORK / "model"), "dtype": dtype},
            "adapter": {"r": 16, "lora_alpha": 32, "lora_dropout": 0.0, "init_from": str(WORK / "adapter")},
            "data": {"train": [{"path": str(data)}], "max_length": max_length, "overlong": "truncate_right",
                     "shuffle": False},
            "training": {"max_steps": STEPS, "batch_size": batch_size, "learning_rate": LEARNING_RATE,
                         "lr_scheduler_type": "constant"},
            "output_dir": str(self.folder / "lore")}))
        with (self.folder / "examples.jsonl").open("w") as file:
            subprocess.run([LORE, "preview", self.recipe, "--json"], stdout=file, check=True)
        self.job = self.folder / "job.json"
        self.job.write_text(json.dumps({
            "model": str(WORK / "model"), "adapter": str(WORK / "adapter"), "data": str(data), "dtype": dtype,
            "examples": str(self.folder / "examples.jsonl"), "max_length": max_length, "batch_size": batch_size,
            "steps": STEPS, "learning_rate": LEARNING_RATE, "threads": THREADS,
            "saved": str(self.folder / "peft"), "output": str(self.folder / "peft.json")}))

    def lore(self):
        command = [LORE, "train", self.recipe, "--threads", THREADS]
        dry = run([*command, "--dry-run"], self.folder / "lore.log")
        whole = run([*command, "--overwrite"], self.folder / "lore.log")
        lines = (self.folder / "lore" / "metrics.jsonl").read_text().splitlines()
        steps = [row for row in map(json.loads, lines) if row["kind"] == "train"]
        return self.summary(dry["seconds"], whole, steps)

    def peft(self):
        whole = run([sys.executable, HERE / "peft_train.py", self.job], self.folder / "peft.log")
        report = json.loads((self.folder / "peft.json").read_text())
        return self.summary(report["ready"] - whole["start"], whole, report["steps"])

    @staticmethod
    def summary(startup, whole, steps):
        timed = steps[1:]  # the first step also makes what later ones reuse
        return {"losses": [step["loss"] for step in steps],
                "startup_s": startup,
                "step_s": statistics.median(step["seconds"] for step in timed),
                "tokens_per_s": sum(step["tokens"] for step in timed) / sum(step["seconds"] for step in timed),
                "run_s": whole["seconds"],
                "peak_mib": whole["peak_bytes"] / 2**20}

    def compare(self, pairs):
        """Medians of both sides over `pairs` pairs, after one pair whose losses must agree."""
        lore, peft = self.lore(), self.peft()
        difference = max(abs(a - b) for a, b in zip(lore["losses"], peft["losses"], strict=True))
        if not difference <= TOLERANCE[self.dtype]:
            sys.exit(f"bench: {self.name} {self.dtype}: losses differ by {difference:.2g}: the sides do not do the "
                     f"same work\nLore {lore['losses']}\nPEFT {peft['losses']}")
        print(f"{self.name} {self.dtype}: losses agree within {difference:.1e}; {pairs} pairs", flush=True)
        runs = []
        for _ in range(pairs):
            runs.append((self.lore(), self.peft()))
        keys = [key for key in lore if key != "losses"]
        median = [{key: statistics.median(pair[side][key] for pair in runs) for key in keys} for side in (0, 1)]
        return {"workload": self.name, "dtype": self.dtype, "loss_difference": difference,
                "lore": median[0], "peft": median[1], "runs": runs}


def gguf_startup(recipe, pairs):
    """Start-up from the GGUF file itself, which is what the demo trains from."""
    command = [LORE, "train", recipe, "--threads", THREADS, "--dry-run", "--set", f"model.path={GGUF}"]
    log = WORK / "gguf.log"
    run(command, log)
    return statistics.median(run(command, log)["seconds"] for _ in range(pairs))


def table(results):
    rows = [("start-up, s", "startup_s", "{:.2f}", False), ("step, s", "step_s", "{:.2f}", False),
            ("tokens/s", "tokens_per_s", "{:.0f}", True), (f"whole run of {STEPS} steps, s", "run_s", "{:.1f}", False),
            ("peak memory, MiB", "peak_mib", "{:.0f}", False)]
    lines = ["| workload | measure | Lore | PEFT | Lore is better by |", "|---|---|---:|---:|---:|"]
    for result in results["workloads"]:
        for title, key, form, more_is_better in rows:
            lore, peft = result["lore"][key], result["peft"][key]
            ratio = lore / peft if more_is_better else peft / lore
            lines.append(f"| {result['workload']} {result['dtype']} | {title} | {form.format(lore)} | "
                         f"{form.format(peft)} | {ratio:.2f} x |")
    lines += ["", f"Start-up from the GGUF file: {results['gguf_startup_s']:.2f} s. Medians of {results['pairs']} "
              f"pairs; {results['cpu']}, {results['threads']} threads."]
    return "\n".join(lines) + "\n"


def prepare():
    if not (WORK / "adapter").exists():
        shutil.rmtree(WORK, ignore_errors=True)
        WORK.mkdir(parents=True)
        print("bench: making the float32 folder of SmolLM2 (once)", flush=True)
        run([sys.executable, HERE / "prepare.py", GGUF, WORK], WORK.parent / "bench-prepare.log")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs per workload (default 5)")
    pairs = parser.parse_args().pairs
    name, has_bfloat16 = cpu()
    prepare()
    full = full_rows()
    results = {"cpu": name, "threads": THREADS, "pairs": pairs, "workloads": []}
    for dtype in ["float32"] + ["bfloat16"] * has_bfloat16:
        for workload in (Workload("4x256", full, 4, 256, dtype), Workload("demo", DEMO_DATA, 8, 512, dtype)):
            results["workloads"].append(workload.compare(pairs))
    results["gguf_startup_s"] = gguf_startup(WORK / "demo-float32" / "recipe.json", pairs)
    (WORK / "results.json").write_text(json.dumps(results, indent=2))
    (WORK / "results.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
