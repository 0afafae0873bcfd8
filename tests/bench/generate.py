"""Measures decoding: `lore generate` beside `generate` of transformers, greedy, SmolLM2-135M.

    generate.py [--rounds N] [--tokens N]

Batches of 1 and of 16 beginnings of text of different lengths, float32 and bfloat16. Each round runs both sides in turn
in fresh processes; each side takes its own time from the first prompt to the last token, loading not counted. Prints the
medians in tokens/s. Takes about ten minutes on 2 cores.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "bench" / "generate"
LORE = ROOT / "build" / "release" / "bin" / "lore"
GGUF = ROOT / ".deps" / "models" / "smollm2-135m-instruct" / "SmolLM2-135M-Instruct.Q4_1.gguf"


def beginnings():
    """Sixteen beginnings of text, 10 to 160 words."""
    words = (ROOT / "docs" / "evaluate.md").read_text(encoding="utf-8").split()
    return [" ".join(words[40 * i:40 * i + 10 * (i + 1)]) for i in range(16)]


def transformers_side(dtype, batch, tokens):
    """Tokens and seconds of transformers, in this process."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(2)
    tokenizer = AutoTokenizer.from_pretrained(WORK / "model", padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(WORK / "model", dtype=getattr(torch, dtype)).eval()
    inputs = tokenizer(beginnings()[:batch], return_tensors="pt", padding=True)
    options = dict(do_sample=False, pad_token_id=tokenizer.pad_token_id)
    with torch.inference_mode():
        model.generate(**inputs, **options, max_new_tokens=2)
        start = time.perf_counter()
        model.generate(**inputs, **options, max_new_tokens=tokens, min_new_tokens=tokens)
        print(batch * tokens, time.perf_counter() - start)


def measure_transformers(dtype, batch, tokens):
    command = [sys.executable, __file__, "--side", dtype, str(batch), "--tokens", str(tokens)]
    done, seconds = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(done) / float(seconds)


def measure_lore(dtype, batch, tokens):
    prompts = WORK / f"prompts-{batch}.txt"
    prompts.write_text("\n".join(beginnings()[:batch]) + "\n", encoding="utf-8")
    command = [LORE, "generate", "--base", WORK / "model", "--template", "none", "--prompts", prompts, "--dtype", dtype,
               "--max-new-tokens", str(tokens), "--json"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    answers = [json.loads(line) for line in lines]  # all were let in at once, so the slowest took the whole time
    return sum(answer["new_tokens"] for answer in answers) / max(answer["seconds"] for answer in answers)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        transformers_side(options.side[0], int(options.side[1]), options.tokens)
        return
    if not (WORK / "model").exists():
        subprocess.run([sys.executable, ROOT / "tests" / "bench" / "prepare.py", GGUF, WORK], check=True)
    print("| dtype | batch | Lore, tokens/s | transformers | ratio |\n|---|---:|---:|---:|---:|")
    for dtype in ("float32", "bfloat16"):
        for batch in (1, 16):
            ours, theirs = [], []
            for _ in range(options.rounds):
                ours.append(measure_lore(dtype, batch, options.tokens))
                theirs.append(measure_transformers(dtype, batch, options.tokens))
            lore, peer = statistics.median(ours), statistics.median(theirs)
            print(f"| {dtype} | {batch} | {lore:.1f} | {peer:.1f} | {lore / peer:.2f} |", flush=True)


if __name__ == "__main__":
    main()
