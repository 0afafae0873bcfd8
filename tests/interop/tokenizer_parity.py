#!/usr/bin/env python3
"""Compares Lore's tokenizers with transformers 4.57.6, tokenizers, sentencepiece and gguf.

    tokenizer_parity.py PROBE [--lines N] [--corpus PATH...] [--gguf FILE...]
    tokenizer_parity.py PROBE --real MODEL[=REFERENCE]... --corpus PATH... [--lines N]
    tokenizer_parity.py PROBE --speed MODEL[=REFERENCE]... --corpus PATH...

PROBE is the program tokenize_probe. N texts are made of the corpora (text, JSON, source files, or folders of them) and of
generated ones: see tokenizer_texts.py. Compared are ids with and without special tokens, ranges of the text, decoded text
with and without special tokens, and text decoded token by token. Exit status 1 when anything differs.

The first form, which needs nothing fetched, trains small tokenizers of every family (tokenizer_cases.py); each FILE is
compared with what its metadata says. --real compares each MODEL (a folder, a tokenizer file or a GGUF file) with
AutoTokenizer on REFERENCE: a folder, by default MODEL itself, or slow:FOLDER for the slow LlamaTokenizer. A GGUF file
without REFERENCE is compared with what its metadata says. --speed measures the processor time of one
thread of both, in turn, on each corpus.
"""

import argparse
import codecs
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

from tokenizer_cases import (  # noqa: E402
    Case, FastReference, SlowReference, byte_level_cases, folder_of_gguf, gguf_cases, llama_cases, train_sentencepiece)
from tokenizer_texts import PARAGRAPHS, corpus_lines, generated_lines, mixed_lines  # noqa: E402

CHUNK = 20000
ROUNDS = 3


class Text:
    """A text's bytes, what Python reads in them, and at which byte each character begins."""

    def __init__(self, raw):
        self.raw = raw
        spans = []

        def replace(error):
            spans.append((error.start, error.end))
            return "\ufffd", error.end

        codecs.register_error("spans", replace)
        self.text = raw.decode("utf-8", "spans")
        self.starts = None if self.text.isascii() else self.character_starts(spans)

    def character_starts(self, spans):
        ends = dict(spans)
        starts = [0]
        for character in self.text:
            at = starts[-1]
            starts.append(ends[at] if at in ends else at + len(character.encode()))
        return starts

    def flat_tokens(self, ids, ranges):
        at = self.starts
        return [n for i, (begin, end) in zip(ids, ranges)
                for n in ((i, begin, end) if at is None else (i, at[begin], at[end]))]


class Probe:
    def __init__(self, program):
        self.program = program

    def run(self, model, values, *flags):
        lines = "".join(json.dumps(v.decode("latin-1") if isinstance(v, bytes) else v) + "\n" for v in values)
        result = subprocess.run([self.program, str(model), *flags], input=lines.encode(), capture_output=True)
        if result.returncode != 0:
            raise RuntimeError(result.stderr.decode().strip())
        return [json.loads(line) for line in result.stdout.split(b"\n") if line]


class Report:
    """Prints the first differences of each kind and counts all."""

    def __init__(self, name, shown=3):
        self.name, self.shown, self.counts = name, shown, {}

    def __call__(self, what, given, want, got):
        if want == got:
            return
        self.counts[what] = self.counts.get(what, 0) + 1
        if self.counts[what] <= self.shown:
            print(f"  {self.name}: {what}: {str(given)[:300]}\n    want {json.dumps(want)[:400]}\n    got  {json.dumps(got)[:400]}",
                  flush=True)

    def total(self):
        return sum(self.counts.values())


def compare(case, probe, texts):
    """The number of texts compared and of differences found."""
    reference = case.reference or case.model
    if isinstance(reference, Path):
        reference = FastReference(reference)
    report = Report(case.name)
    texts = [text for text in texts if reference.accepts(text.text)]
    rng = random.Random(5)
    if "info" not in case.skip:
        want = reference.info()
        got = probe.run(case.model, [None])[0]
        report("info", "", want, {key: got[key] for key in want})
    for first in range(0, len(texts), CHUNK):
        compare_chunk(case, reference, probe, texts[first:first + CHUNK], rng, report)
    return len(texts), report.total()


def compare_chunk(case, reference, probe, texts, rng, report):
    plain = [ids for ids, _ in reference.encode([text.text for text in texts], False)]
    special = reference.encode([text.text for text in texts], True)
    decoded = [] if "decode" in case.skip else [ids for ids, _ in special] + random_ids(case, reference, rng)
    answers = iter(probe.run(case.model, [text.raw for text in texts] + decoded))
    for text, want, (ids, ranges), got in zip(texts, plain, special, answers):
        report("ids without special tokens", text.raw, want, got["ids"])
        report("ids with special tokens", text.raw, ids, got["tokens"][::3])
        if ranges is not None and "offsets" not in case.skip and ids == got["tokens"][::3]:
            report("ranges", text.raw, text.flat_tokens(ids, ranges), got["tokens"])
    if not decoded:
        return
    want = [reference.decode(decoded, skip) for skip in (False, True)]
    for ids, whole, skipped, got in zip(decoded, *want, answers):
        report("decoded", ids, whole, got[0])
        report("decoded without special tokens", ids, skipped, got[1])
        report("decoded token by token", ids, got[:2], got[2:])


def random_ids(case, reference, rng):
    size = len(reference.tokenizer)
    return [[rng.randrange(size) for _ in range(rng.randint(1, 100))] for _ in range(300)]


# ---------------------------------------------------------------- the three forms

def run_cases(probe, cases, texts):
    total, failed = 0, 0
    for case in cases:
        start = time.time()
        try:
            count, differences = compare(case, probe, texts)
        except RuntimeError as error:
            print(f"  {case.name}: {error}")
            count, differences = 0, 1
        print(f"{case.name}: {count} lines, {differences} differences ({time.time() - start:.1f} s)", flush=True)
        total, failed = total + count, failed + differences
    print(f"{total} lines in all, {failed} differences")
    return failed


def synthetic(probe, arguments, root):
    texts = [Text(raw) for raw in mixed_lines(arguments.corpus, arguments.lines)]
    training = generated_lines(800, seed=11) + PARAGRAPHS * 20
    training += [line for path in arguments.corpus for line in corpus_lines(path)][:2000]
    model = train_sentencepiece(root, training)

    def cases():
        yield from byte_level_cases(root, training)
        yield from llama_cases(root, model)
        yield from gguf_cases(root, model)
        for path in arguments.gguf:
            yield real_case(path, root)

    return run_cases(probe, cases(), texts)


def real_case(argument, root):
    model, _, reference = argument.partition("=")
    path = Path(model)
    if reference.startswith("slow:"):
        return Case(argument, path, SlowReference(reference.removeprefix("slow:")), skip=("info", "decode"))
    if reference:
        return Case(argument, path, Path(reference), skip=("info",) if path.suffix == ".gguf" else ())
    if path.suffix == ".gguf":
        return Case(argument, path, folder_of_gguf(path, root / path.stem), skip=("info",))
    return Case(argument, path)


def real(probe, arguments, root):
    texts = [Text(raw) for raw in mixed_lines(arguments.corpus, arguments.lines)]
    return run_cases(probe, (real_case(argument, root) for argument in arguments.real), texts)


def speed(probe, arguments, root):
    for argument in arguments.speed:
        case = real_case(argument, root)
        start = time.process_time()
        tokenizer = FastReference(case.reference or case.model).tokenizer.backend_tokenizer
        loaded = time.process_time() - start
        for path in arguments.corpus:
            lines = corpus_lines(path)
            raw = [line.encode() for line in lines]
            size = sum(map(len, raw)) / 1e6
            ours, theirs, loads = [], [], []
            for _ in range(ROUNDS):
                bench = probe.run(case.model, raw, "--bench")[0]
                ours.append(size / bench["seconds"])
                loads.append(bench["load_seconds"])
                start = time.process_time()
                tokenizer.encode_batch_fast(lines, add_special_tokens=False)
                theirs.append(size / (time.process_time() - start))
            print(f"{argument}: {Path(path).name} ({size:.2f} MB, {len(lines)} lines): Lore {max(ours):.1f} MB/s, loads in "
                  f"{min(loads):.3f} s; tokenizers {max(theirs):.1f} MB/s, loads in {loaded:.2f} s", flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("probe")
    parser.add_argument("--lines", type=int, default=1500)
    parser.add_argument("--corpus", nargs="+", default=[])
    parser.add_argument("--gguf", nargs="+", default=[])
    parser.add_argument("--real", nargs="+", default=[])
    parser.add_argument("--speed", nargs="+", default=[])
    arguments = parser.parse_args()
    form = real if arguments.real else speed if arguments.speed else synthetic
    with tempfile.TemporaryDirectory() as folder:
        return 1 if form(Probe(arguments.probe), arguments, Path(folder)) else 0


if __name__ == "__main__":
    sys.exit(main())
