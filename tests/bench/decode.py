"""Decoding beside llama.cpp: tokens a second of `lore generate` and of node-llama-cpp on the same GGUF files, by turns.

    LORE_BIN=build/release/bin LORE_MODELS=.deps/models PYTHONPATH=tests/support \\
      .deps/venv/bin/python tests/bench/decode.py [--threads 2] [--tokens 128] [--rounds 5] [--shapes smollm2,tinyllama]

SmolLM2-135M's weights and random ones of TinyLlama-1.1B's shape (speed does not depend on values), as Q8_0 and Q4_0 made by
the gguf package; embeddings and head are Q8_0 in both. Files are kept in build/bench. Prints the best round of each: times of
a busy machine mean nothing, so look at the ratio.
"""

import argparse
import json
import subprocess

import gguf
import llama_cpp
import numpy
from gguf import GGMLQuantizationType as Type
from lore_program import REPOSITORY, SMOLLM2, run

FOLDER = REPOSITORY / "build" / "bench"
TINYLLAMA = dict(block_count=22, embedding_length=2048, feed_forward_length=5632, heads=32, key_value_heads=4)
PROMPT = "The history of risk management begins with"


def copy_settings(source, writer, file_type, prefix):
    """Copies the keys of `source` that begin with `prefix`."""
    for name, field in source.fields.items():
        if not name.startswith(prefix) or name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kind, sub = field.types[0], field.types[1] if len(field.types) > 1 else None
        writer.add_key_value(name, field.contents(), kind, sub)
    writer.add_file_type(file_type)


def wanted_type(name, kind):
    return Type.Q8_0 if name in ("token_embd.weight", "output.weight") else kind


def tinyllama_tensors(vocabulary):
    random = numpy.random.default_rng(1)
    d, f = TINYLLAMA["embedding_length"], TINYLLAMA["feed_forward_length"]
    kv = d // TINYLLAMA["heads"] * TINYLLAMA["key_value_heads"]
    shapes = {"token_embd.weight": (vocabulary, d), "output.weight": (vocabulary, d)}
    for layer in range(TINYLLAMA["block_count"]):
        for name, shape in (("attn_q", (d, d)), ("attn_k", (kv, d)), ("attn_v", (kv, d)), ("attn_output", (d, d)),
                            ("ffn_gate", (f, d)), ("ffn_up", (f, d)), ("ffn_down", (d, f))):
            shapes[f"blk.{layer}.{name}.weight"] = shape
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{name}.weight", numpy.ones(d, numpy.float32)
    yield "output_norm.weight", numpy.ones(d, numpy.float32)
    for name, shape in shapes.items():
        yield name, random.standard_normal(shape, numpy.float32) * 0.02


def make(shape, kind):
    """The GGUF file of `shape` with matrices of `kind`."""
    path = FOLDER / f"{shape}-{kind.name.lower()}.gguf"
    if path.exists():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    source = gguf.GGUFReader(SMOLLM2)
    writer = gguf.GGUFWriter(path.with_suffix(".part"), "llama")
    file_type = gguf.LlamaFileType.MOSTLY_Q8_0 if kind == Type.Q8_0 else gguf.LlamaFileType.MOSTLY_Q4_0
    copy_settings(source, writer, file_type, "" if shape == "smollm2" else "tokenizer.")
    if shape == "smollm2":
        tensors = ((t.name, gguf.quants.dequantize(t.data, t.tensor_type)) for t in source.tensors)
    else:
        writer.add_block_count(TINYLLAMA["block_count"])
        writer.add_embedding_length(TINYLLAMA["embedding_length"])
        writer.add_feed_forward_length(TINYLLAMA["feed_forward_length"])
        writer.add_head_count(TINYLLAMA["heads"])
        writer.add_head_count_kv(TINYLLAMA["key_value_heads"])
        writer.add_rope_dimension_count(TINYLLAMA["embedding_length"] // TINYLLAMA["heads"])
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_context_length(2048)
        tensors = tinyllama_tensors(len(source.fields["tokenizer.ggml.tokens"].data))
    for name, values in tensors:
        if values.ndim == 1:
            writer.add_tensor(name, values)
        else:
            stored = wanted_type(name, kind)
            writer.add_tensor(name, gguf.quants.quantize(values, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    path.with_suffix(".part").rename(path)
    return path


def by_lore(path, threads, tokens):
    """Seconds from token to token."""
    printed = run("lore", "generate", "--base", path, "--template", "none", "--prompt", PROMPT, "--threads", threads,
                  "--max-new-tokens", tokens, "--latency", "--json").stdout
    return json.loads(printed.splitlines()[-1])["latency"]["per_token_seconds"]["p50"]


def by_llama_cpp(path, threads, tokens):
    ids = json.dumps(list(range(100, 108)))
    printed = subprocess.run([llama_cpp.node(), REPOSITORY / "tests" / "bench" / "decode.mjs", llama_cpp.FOLDER, path,
                              str(threads), str(tokens), ids], capture_output=True, text=True, check=True).stdout
    seconds = sorted(json.loads(printed.splitlines()[-1])["token_seconds"])
    return seconds[len(seconds) // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shapes", default="smollm2,tinyllama")
    given = parser.parse_args()
    print(f"{'':<16}{'lore':>10}{'llama.cpp':>12}{'ratio':>8}   tokens/s, median token of the best round")
    for shape in given.shapes.split(","):
        for kind in (Type.Q8_0, Type.Q4_0):
            path = make(shape, kind)
            rounds = [(by_lore(path, given.threads, given.tokens), by_llama_cpp(path, given.threads, given.tokens))
                      for _ in range(given.rounds)]
            ours, theirs = (1 / min(times) for times in zip(*rounds, strict=True))
            print(f"{shape + ' ' + kind.name:<16}{ours:>10.1f}{theirs:>12.1f}{ours / theirs:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
