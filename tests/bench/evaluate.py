"""Measures `lore evaluate` and an evaluation loop on transformers side by side on SmolLM2-135M-Instruct.

    evaluate.py [--pairs N]

Both score the same tokens: the sample corpus' held-out rows by their trained tokens, and this project's documents by windows. First
the losses must agree; then N pairs of fresh processes run in turn, and medians are reported: scored tokens a second
without loading, seconds of the whole process, peak memory. The loop pads its batches of 8, or is given one window at a
time, as such loops are written. Writes build/bench/evaluate.json and build/bench/evaluate.md.
"""

import argparse
import json
import statistics
import subprocess
import sys

import bench

FOLDER = bench.WORK / "evaluate"
WINDOW = 512
CHARACTERS = 40_000  # of the documents: about 20 s a run
ROWS = bench.ROOT / "data-samples" / "terms.heldout.jsonl"


def documents():
    """The project's documents as one text."""
    path = FOLDER / "documents.txt"
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted((bench.ROOT / "docs").glob("*.md")))
    path.write_text(text[:CHARACTERS], encoding="utf-8")
    return path


class Workload:
    def __init__(self, name, data, dtype):
        self.name, self.dtype = name, dtype
        self.folder = FOLDER / f"{name}-{dtype}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.job = {"model": str(bench.WORK / "model"), "data": str(data), "dtype": dtype, "window": WINDOW,
                    "threads": bench.THREADS, "output": str(self.folder / "transformers.json")}
        if name == "rows":
            recipe = {"model": {"path": self.job["model"]}, "data": {"train": [{"path": str(data)}]},
                      "output_dir": str(self.folder / "run")}
            (self.folder / "recipe.json").write_text(json.dumps(recipe))
            self.job["examples"] = str(self.folder / "examples.jsonl")
            with open(self.job["examples"], "w") as file:
                subprocess.run([bench.LORE, "preview", self.folder / "recipe.json", "--json"], stdout=file, check=True)
        (self.folder / "job.json").write_text(json.dumps(self.job))

    def lore(self):
        report = self.folder / "report"
        whole = bench.run([bench.LORE, "evaluate", "--base", self.job["model"], "--data", self.job["data"], "--dtype",
                           self.dtype, "--max-length", WINDOW, "--stride", WINDOW, "--no-cache", "--threads",
                           bench.THREADS, "--report", report], self.folder / "lore.log")
        result = json.loads((report / "report.json").read_text())
        (score,) = result["files"].values()
        return {"loss": score["loss"], "scored": score["tokens"], "tokens_per_s": result["tokens_per_second"],
                "run_s": whole["seconds"], "peak_mib": whole["peak_bytes"] / 2**20}

    def peer(self):
        whole = bench.run([sys.executable, bench.HERE / "transformers_evaluate.py", self.folder / "job.json"],
                          self.folder / "transformers.log")
        result = json.loads((self.folder / "transformers.json").read_text())
        return {"loss": result["loss"], "scored": result["scored"],
                "tokens_per_s": result["tokens"] / result["seconds"], "run_s": whole["seconds"],
                "peak_mib": whole["peak_bytes"] / 2**20}

    def compare(self, pairs):
        lore, peer = self.lore(), self.peer()
        difference = abs(lore["loss"] - peer["loss"])
        if lore["scored"] != peer["scored"] or not difference <= bench.TOLERANCE[self.dtype]:
            sys.exit(f"bench: {self.name} {self.dtype}: the sides do not do the same work\nLore {lore}\n"
                     f"transformers {peer}")
        print(f"{self.name} {self.dtype}: losses agree within {difference:.1e}; {pairs} pairs", flush=True)
        runs = [(self.lore(), self.peer()) for _ in range(pairs)]
        median = [{key: statistics.median(pair[side][key] for pair in runs) for key in lore} for side in (0, 1)]
        return {"workload": self.name, "dtype": self.dtype, "lore": median[0], "transformers": median[1], "runs": runs}


def table(results):
    lines = ["| scored | measure | Lore | transformers | Lore is better by |", "|---|---|---:|---:|---:|"]
    for result in results:
        for title, key, more_is_better in [("tokens/s", "tokens_per_s", True), ("whole run, s", "run_s", False),
                                           ("peak memory, MiB", "peak_mib", False)]:
            lore, peer = result["lore"][key], result["transformers"][key]
            lines.append(f"| {result['workload']} {result['dtype']} | {title} | {lore:.4g} | {peer:.4g} | "
                         f"{lore / peer if more_is_better else peer / lore:.2f} x |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3, help="pairs of runs per workload (default 3)")
    pairs = parser.parse_args().pairs
    bench.prepare()
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = documents()
    results = []
    for dtype in ["float32"] + ["bfloat16"] * bench.cpu()[1]:
        for workload in (Workload("rows", ROWS, dtype), Workload("documents", text, dtype)):
            results.append(workload.compare(pairs))
    (bench.WORK / "evaluate.json").write_text(json.dumps(results, indent=2))
    (bench.WORK / "evaluate.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
