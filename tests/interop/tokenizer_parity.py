#!/usr/bin/env python3
"""Compares Lore's tokenizers with transformers 4.57.6, tokenizers, sentencepiece and gguf.

    tokenizer_parity.py PROBE [--samples FOLDER] [--lines N]
    tokenizer_parity.py PROBE --real MODEL[=REFERENCE]... --corpus FILE...

PROBE is the program tokenize_probe. Without --real, small tokenizers of every family are trained on the *.jsonl
files of --samples and on generated text, so nothing is fetched. With --real, each MODEL (a folder or a GGUF file)
is compared with AutoTokenizer on the folder REFERENCE (by default MODEL itself) over the lines of the corpora, and
the speeds of both are printed. Exit status 1 when anything differs.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import gguf  # noqa: E402
import sentencepiece  # noqa: E402
from tokenizers import (  # noqa: E402
    AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)
from transformers import AutoTokenizer  # noqa: E402

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
          r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
          r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
POSSESSIVE = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*"
              r"|\s*[\r\n]|\s+(?!\S)|\s+")
DEEPSEEK = [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
            r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


# ---------------------------------------------------------------- texts

WORDS = """the model's don't WE'LL I'D you're they'VE it'ſ 风控阈值 供应链弹性 风险 数据，模型。 日本語のテキスト テキスト 한국어 문장
ｆｕｌｌｗｉｄｔｈ ﬁne ﬀ ① ² ½ Ⅷ ٣٤٥ १२३ 12345678 3.14159 2024年 1,000,000 naïve café cafe\u0301 A\u030a Å e\u0323\u0302 \u1100\u1161\u11a8 각
Ёлка ёлка Ελληνικά İstanbul ǅ ß ẞ Straße שלום עולם مرحبا بالعالم हिन्दी ภาษาไทย ไทย ქართული հայերեն ᏣᎳᎩ ꦗꦮ 👋 👩‍👩‍👧‍👦 🇨🇳 🏳️‍🌈 😀😀 ❤️
\u200b \u200d \u2028 \u2029 \u0085 \u00a0 \u3000 \u180e \ufeff \u1680 \u202f \u2060 \ufffd \x00 \x01 \x1c \x1f \x7f \t \n \r \r\n \v \f
🫠 𠀀 𪚥 \U00031350 \U0002ebf0 \U00010d50 \U00016d43 \u1c89 \ua7cb \U0001e5d0 \U000105c9 \U00011938 \U0001fae9 \u0897
== != -> :: // /* */ <- << >> && || `code` $x^2$ \\alpha {} [] () <tag> </tag> &amp; http://a.b/c?d=e#f user@example.com
▁ ▁▁ Ġ Ċ ĠĠ <0x41> <s> </s> <unk> <|endoftext|> <|im_start|> <|im_end|> [MASK] foo Foo bar barbar xfoox""".split(" ")
WORDS = [word for chunk in WORDS for word in (chunk.split("\n") if len(chunk) > 1 else [chunk])]
PARAGRAPHS = """The quick brown fox jumps over the lazy dog. It didn't stop; why would it? "Because," she said.
In 2023, revenue grew 12.5% to $1,234,567.89 (see table 4). def f(x): return x ** 2  # square
供应链弹性是指企业在面对突发事件时，能够迅速恢复并继续运作的能力。风控阈值用于判断交易是否异常。
客户服务部门应当在二十四小时内答复投诉，并将处理结果记录在案；质量检验报告由合规部门复核。
Die Prüfung ergab, dass die Lieferkette während der Krise äußerst widerstandsfähig war.
    indented\tcode\n\n\nwith   many    spaces     and\n tabs\t\tand trailing  \n""".splitlines()


def generated_lines(count, seed):
    rng = random.Random(seed)
    lines = ["", " ", "  ", "\n", "\n\n", " \n ", "\t", "\u3000", "a", " a", "a ", "▁", "1", "'s", "'S", "'ſ", "<s>", " <s> "]
    lines += ["a" * 3000, " " * 2000, "0" * 500, "\n" * 300, "风" * 1000, "ab" * 700, "😀" * 200, "\x00" * 40, "a\u0301" * 300]
    separators = ["", "", " ", " ", " ", "  ", "   ", "\n", "\t", " \n", "\n ", "\r\n"]
    while len(lines) < count:
        kind = rng.random()
        if kind < 0.55:
            line = "".join(rng.choice(WORDS) + rng.choice(separators) for _ in range(rng.randint(1, 14)))
        elif kind < 0.7:
            line = "".join(random_character(rng) for _ in range(rng.randint(1, 60)))
        elif kind < 0.85:
            line = rng.choice(PARAGRAPHS) * rng.randint(1, 3)
            cut = rng.randint(0, len(line))
            line = line[cut:] + rng.choice(WORDS) + line[:cut]
        else:
            line = rng.choice(WORDS) * rng.randint(2, 40)
        lines.append(line)
    return lines[:count]


def random_character(rng):
    blocks = [(0x20, 0x7E), (0x20, 0x7E), (0x80, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF),
              (0xE00, 0x11FF), (0x1E00, 0x20CF), (0x2100, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
              (0xF900, 0xFFFF), (0x10000, 0x11FFF), (0x16000, 0x18FFF), (0x1CC00, 0x1FBFF), (0x20000, 0x323AF)]
    return chr(rng.randint(*rng.choice(blocks)))


def json_strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from json_strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from json_strings(item)


def corpus_lines(path):
    path = Path(path)
    if path.is_dir():
        return [line for file in sorted(path.rglob("*")) if file.is_file() for line in corpus_lines(file)]
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".jsonl":
        return [s for line in text.splitlines() if line.strip() for s in json_strings(json.loads(line))]
    if path.suffix == ".json":
        return list(json_strings(json.loads(text)))
    return text.splitlines(keepends=True)


# ---------------------------------------------------------------- families

class Case:
    """A model to load, what to compare it with, and on which texts."""

    def __init__(self, name, model, reference=None, skip=()):
        self.name, self.model, self.reference, self.skip = name, model, reference, skip


def byte_level_tokenizer(texts, pre, normalizer=None, vocab_size=900, specials=SPECIALS):
    tokenizer = Tokenizer(models.BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=list(specials), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def plain_bytes():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def write_folder(folder, tokenizer, config=None, edit=None, files=None):
    """tokenizer.json, edited as JSON, and what lies beside it."""
    folder.mkdir()
    data = json.loads(tokenizer.to_str())
    if edit is not None:
        edit(data)
    (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False))
    if config is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
    for name, content in (files or {}).items():
        (folder / name).write_text(json.dumps(content))
    return folder


def byte_level_cases(root, texts):
    fast = {"tokenizer_class": "PreTrainedTokenizerFast"}
    eos = dict(fast, eos_token="<|im_end|>")
    template = processors.TemplateProcessing(single="<|endoftext|> $A", pair="<|endoftext|> $A $B:1",
                                             special_tokens=[("<|endoftext|>", 0)])

    llama3 = byte_level_tokenizer(texts, pre_tokenizers.Sequence([split(LLAMA3), plain_bytes()]))
    llama3.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])

    def ignore_merges(data):
        data["model"]["ignore_merges"] = True

    def merges_as_text(data):
        data["model"]["merges"] = [" ".join(pair) for pair in data["model"]["merges"]]

    def long_merges_first(data):
        ignore_merges(data)
        data["model"]["merges"] = data["model"]["merges"][: len(data["model"]["merges"]) * 2 // 3]

    yield Case("llama3", write_folder(root / "llama3", llama3, dict(eos, clean_up_tokenization_spaces=True), ignore_merges))
    yield Case("llama3, fewer merges than tokens", write_folder(root / "llama3-cut", llama3, eos, long_merges_first))
    yield Case("llama3, merges as text", write_folder(root / "llama3-text", llama3, eos, merges_as_text))
    yield Case("llama3 as LlamaTokenizer",
               write_folder(root / "llama3-llama", llama3, {"tokenizer_class": "LlamaTokenizer", "bos_token": "<|endoftext|>",
                                                            "eos_token": "<|im_end|>", "add_eos_token": True}))
    yield Case("llama3 by config.json alone",
               write_folder(root / "llama3-config", llama3, None, None, {"config.json": {"model_type": "llama"}}))

    qwen2 = byte_level_tokenizer(texts, pre_tokenizers.Sequence([split(QWEN2), plain_bytes()]), normalizers.NFC())
    qwen2.post_processor = processors.ByteLevel(trim_offsets=False)
    qwen_config = {"tokenizer_class": "Qwen2Tokenizer", "add_prefix_space": False, "bos_token": None, "unk_token": None,
                   "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "additional_special_tokens": SPECIALS[1:],
                   "added_tokens_decoder": {str(i): {"content": t, "lstrip": False, "rstrip": False, "normalized": False,
                                                     "single_word": False, "special": True} for i, t in enumerate(SPECIALS)}}
    yield Case("qwen2", write_folder(root / "qwen2", qwen2, qwen_config))
    yield Case("qwen2 without names", write_folder(root / "qwen2-bare", qwen2, {"tokenizer_class": "Qwen2Tokenizer"}))

    smollm = byte_level_tokenizer(texts, pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(add_prefix_space=False)]))
    smollm_config = {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, "bos_token": "<|im_start|>",
                     "eos_token": "<|im_end|>", "pad_token": "<|im_end|>", "unk_token": "<|endoftext|>"}
    yield Case("smollm2", write_folder(root / "smollm2", smollm, smollm_config))

    gpt2 = byte_level_tokenizer(texts, pre_tokenizers.ByteLevel(add_prefix_space=False))
    gpt2.post_processor = processors.ByteLevel(trim_offsets=True)
    yield Case("gpt2", write_folder(root / "gpt2", gpt2, {"tokenizer_class": "GPT2Tokenizer"}))
    yield Case("gpt2 with a prefix space",
               write_folder(root / "gpt2-prefix", gpt2, {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True}))
    yield Case("gpt2 by special_tokens_map.json and added_tokens.json",
               write_folder(root / "gpt2-map", gpt2, {"tokenizer_class": "GPT2Tokenizer"}, None,
                            {"special_tokens_map.json": {"bos_token": {"content": "<|im_start|>", "lstrip": False, "rstrip": True,
                                                                       "normalized": False, "single_word": False},
                                                         "additional_special_tokens": ["[MASK]"]},
                             "added_tokens.json": {"[MASK]": 900, "foo": 901}}))

    for name, pre in [("tekken", split(TEKKEN)), ("possessive", split(POSSESSIVE)),
                      ("deepseek", pre_tokenizers.Sequence([split(p) for p in DEEPSEEK])),
                      ("words and boundaries", split(r"\b\w+\b|\h{2}|[\w\-]+|\d+\W?")),
                      ("line anchors", split(r"^\s*\S+|\S+$|.+")),
                      ("lookahead only", split(r"(?=(\d{3})+(?!\d))")),
                      ("scripts", split(r"\p{Han}+|\p{^L}+|[\p{Hiragana}\p{Katakana}]{,3}|\u0061+"))]:
        tokenizer = byte_level_tokenizer(texts, pre_tokenizers.Sequence([pre, plain_bytes()]))
        yield Case(name, write_folder(root / name.replace(" ", "-"), tokenizer, fast))

    for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        for invert in [False, True]:
            pre = pre_tokenizers.Sequence([split(r"\s|\p{P}", behavior, invert), pre_tokenizers.Split("a", behavior, invert),
                                           pre_tokenizers.Punctuation(behavior), pre_tokenizers.Digits(False), plain_bytes()])
            tokenizer = byte_level_tokenizer(texts, pre, vocab_size=500)
            yield Case(f"split {behavior}{' inverted' * invert}",
                       write_folder(root / f"split-{behavior}-{invert}", tokenizer, fast))
    for name, pre in [("whitespace", pre_tokenizers.Whitespace()), ("whitespace-split", pre_tokenizers.WhitespaceSplit()),
                      ("delimiter", pre_tokenizers.CharDelimiterSplit("e")), ("nothing", None)]:
        tokenizer = byte_level_tokenizer(texts, pre_tokenizers.Sequence(([pre] if pre else []) + [plain_bytes()]), vocab_size=500)
        yield Case(name, write_folder(root / name, tokenizer, fast))
    steps = [normalizers.NFD(), normalizers.NFKC(), normalizers.NFKD(), normalizers.Lowercase(),
             normalizers.Sequence([normalizers.Replace(Regex("[aeiou]+"), "é"), normalizers.Strip(), normalizers.Prepend("> "),
                                   normalizers.Replace("  ", " "), normalizers.NFC()])]
    for i, normalizer in enumerate(steps):
        tokenizer = byte_level_tokenizer(texts, pre_tokenizers.ByteLevel(add_prefix_space=True), normalizer, 600)
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=True, add_prefix_space=True)
        yield Case(f"normalizer {i}", write_folder(root / f"normalizer-{i}", tokenizer, dict(fast, add_prefix_space=True)))
    tokenizer = byte_level_tokenizer(texts, split(LLAMA3), normalizers.Sequence([normalizers.NFC(), normalizers.ByteLevel()]))
    yield Case("byte-level normalizer", write_folder(root / "byte-normalizer", tokenizer, fast))
    yield from added_token_cases(root, texts)
    yield from unknown_cases(root, texts)


def added_token_cases(root, texts):
    for i, normalizer in enumerate([None, normalizers.Lowercase(), normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])]):
        tokenizer = byte_level_tokenizer(texts, pre_tokenizers.ByteLevel(add_prefix_space=False), normalizer, 600)
        tokenizer.add_tokens([
            AddedToken("foo", single_word=True, normalized=False), AddedToken("[MASK]", lstrip=True, rstrip=True, normalized=False),
            AddedToken("bar", normalized=True, rstrip=True), AddedToken("Foo", normalized=True, lstrip=True),
            AddedToken("风控", normalized=False), AddedToken("风控阈值", normalized=False, special=True),
            AddedToken("\n\n", normalized=False), AddedToken("==", single_word=True, normalized=True)])
        yield Case(f"added tokens {i}", write_folder(root / f"added-{i}", tokenizer, {"tokenizer_class": "PreTrainedTokenizerFast"}))


def unknown_cases(root, texts):
    """Character BPE without bytes: unknown characters, fused or not, and spaces for a decoder."""
    for fuse in [False, True]:
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        tokenizer.train_from_iterator([t for t in texts if t.isascii()],
                                      trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>"], show_progress=False))
        yield Case(f"unknown characters{', fused' * fuse}",
                   write_folder(root / f"unknown-{fuse}", tokenizer, {"tokenizer_class": "PreTrainedTokenizerFast"}))


def train_sentencepiece(root, texts):
    (root / "corpus.txt").write_text("\n".join(t.replace("\n", " ").replace("\x00", "") for t in texts))
    sentencepiece.SentencePieceTrainer.train(
        input=str(root / "corpus.txt"), model_prefix=str(root / "spm"), model_type="bpe", vocab_size=7000, byte_fallback=True,
        character_coverage=0.995, normalization_rule_name="identity", remove_extra_whitespaces=False, pad_id=-1,
        user_defined_symbols=["<|tool|>", "  "], control_symbols=["<|im_end|>"], minloglevel=2, num_threads=1, hard_vocab_limit=False,
        split_digits=True, max_sentence_length=100000)
    return root / "spm.model"


def llama_cases(root, model):
    llama = {"tokenizer_class": "LlamaTokenizer"}
    old_tokens = {str(i): {"content": t, "lstrip": False, "rstrip": False, "normalized": True, "single_word": False, "special": True}
                  for i, t in enumerate(["<unk>", "<s>", "</s>"])}
    bare = {
        "bare": llama, "bare, legacy": dict(llama, legacy=True), "bare, not legacy": dict(llama, legacy=False),
        "bare, BOS and EOS": dict(llama, add_eos_token=True, pad_token="<pad>"),
        "bare, nothing around": dict(llama, add_bos_token=False, legacy=False),
        "bare, no prefix": dict(llama, add_prefix_space=False), "bare, no prefix, not legacy": dict(llama, add_prefix_space=False, legacy=False),
        "bare, prefix is null": dict(llama, add_prefix_space=None),
        "bare, old added tokens": dict(llama, added_tokens_decoder=old_tokens, bos_token="<s>", eos_token="</s>", unk_token="<unk>"),
        "bare, tokens as objects": dict(llama, bos_token={"__type": "AddedToken", "content": "<s>", "lstrip": False, "rstrip": True,
                                                          "normalized": True, "single_word": False}),
    }
    for name, config in bare.items():
        folder = root / name.replace(",", "").replace(" ", "-")
        folder.mkdir()
        shutil.copy(model, folder / "tokenizer.model")
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
        yield Case(name, folder)
    folder = root / "bare-config"
    folder.mkdir()
    shutil.copy(model, folder / "tokenizer.model")
    (folder / "config.json").write_text(json.dumps({"model_type": "mistral"}))
    yield Case("bare, by config.json", folder)

    for legacy in [True, False]:
        fast = AutoTokenizer.from_pretrained(str(root / ("bare-legacy" if legacy else "bare-not-legacy")))
        saved = root / f"saved-{legacy}"
        fast.save_pretrained(str(saved))
        (saved / "tokenizer.model").unlink(missing_ok=True)
        yield Case(f"saved, legacy={legacy}", saved)
        for both in [False, True]:
            named = root / f"saved-{legacy}-prefix-{both}"
            shutil.copytree(saved, named)
            config = json.loads((saved / "tokenizer_config.json").read_text())
            (named / "tokenizer_config.json").write_text(json.dumps(dict(config, add_prefix_space=both)))
            shutil.copy(model, named / "tokenizer.model")
            yield Case(f"saved, legacy={legacy}, prefix named {both}", named)
    for scheme in ["always", "first", "never"]:
        for splits in [False, True]:
            tokenizer = Tokenizer.from_file(str(root / "saved-True" / "tokenizer.json"))
            tokenizer.normalizer = normalizers.Sequence([])
            tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=splits)
            tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme=scheme)])
            yield Case(f"metaspace {scheme}{', split' * splits}",
                       write_folder(root / f"metaspace-{scheme}-{splits}", tokenizer, {"tokenizer_class": "PreTrainedTokenizerFast"}))


class SentencePieceReference:
    """sentencepiece itself, for the GGUF of its model: text without added tokens, ids alone."""

    def __init__(self, model):
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(model))

    def encode(self, text, special):
        return ([1] if special else []) + (self.processor.encode(text) if text else [])


def write_gguf(path, model, tokens, types, pre=None, scores=None, merges=None, **values):
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_tokenizer_model(model)
    if pre is not None:
        writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if scores is not None:
        writer.add_token_scores(scores)
    if merges is not None:
        writer.add_token_merges(merges)
    for key, value in values.items():
        (writer.add_bool if isinstance(value, bool) else writer.add_uint32)(f"tokenizer.ggml.{key}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def gguf_cases(root, model):
    for name, pre in [("smollm2", "smollm"), ("qwen2", "qwen2"), ("llama3", "llama-bpe"), ("gpt2", "gpt-2"), ("tekken", "tekken")]:
        data = json.loads((root / name / "tokenizer.json").read_text())
        vocab = sorted(data["model"]["vocab"].items(), key=lambda item: item[1])
        special = {token["content"] for token in data["added_tokens"]}
        types = [3 if token in special else 1 for token, _ in vocab]
        merges = [" ".join(pair) for pair in data["model"]["merges"]]
        reference = root / name
        if pre in ("llama-bpe", "tekken"):  # whose name stands for ignore_merges and a BOS
            reference = root / f"{name}-for-gguf"
            data["model"]["ignore_merges"] = True
            data["post_processor"] = None
            reference.mkdir()
            (reference / "tokenizer.json").write_text(json.dumps(data))
            (reference / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
        path = write_gguf(root / f"{name}.gguf", "gpt2", [t for t, _ in vocab], types, pre, merges=merges, add_bos_token=False,
                          bos_token_id=0, eos_token_id=2)
        yield Case(f"GGUF {pre}", path, reference, skip=("offsets",) if pre == "gpt-2" else ())
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    count = processor.get_piece_size()
    kinds = [6 if processor.is_byte(i) else 3 if processor.is_control(i) else 2 if processor.is_unknown(i) else 1 for i in range(count)]
    plain = sentencepiece.SentencePieceProcessor(model_file=str(model))
    path = write_gguf(root / "spm.gguf", "llama", [plain.id_to_piece(i) for i in range(count)], kinds, "default",
                      scores=[plain.get_score(i) for i in range(count)], bos_token_id=1, eos_token_id=2, unknown_token_id=0)
    yield Case("GGUF sentencepiece", path, SentencePieceReference(model), skip=("offsets", "decode", "added"))


# ---------------------------------------------------------------- comparison

class Probe:
    def __init__(self, program):
        self.program = program

    def run(self, model, lines, *flags):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        result = subprocess.run([self.program, str(model), *flags], input=text, capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(result.stderr.strip())
        return [json.loads(line) for line in result.stdout.split("\n") if line]


def byte_offsets(text, offsets):
    at = [0]
    for character in text:
        at.append(at[-1] + len(character.encode("utf-8")))
    return [(at[begin], at[end]) for begin, end in offsets]


def compare(case, probe, lines, report):
    reference = case.reference or case.model
    if isinstance(reference, SentencePieceReference):
        lines = [line for line in lines if not any(mark in line for mark in ("<", "  ", "\x00", "▁"))]
        differences = 0
        for special in [False, True]:
            got = probe.run(case.model, lines, *(["--special"] if special else []))
            differences += report(case, lines, [reference.encode(line, special) for line in lines], got, "ids")
        return len(lines), differences
    tokenizer = AutoTokenizer.from_pretrained(str(reference))
    differences = 0
    encodings = {}
    for special in [False, True]:
        flags = ["--special"] if special else []
        encodings[special] = [tokenizer(line, add_special_tokens=special, return_offsets_mapping=True) for line in lines]
        want = [e["input_ids"] for e in encodings[special]]
        differences += report(case, lines, want, probe.run(case.model, lines, *flags), f"ids, special={special}")
        if "offsets" not in case.skip:
            want = [[[i, *o] for i, o in zip(e["input_ids"], byte_offsets(line, e["offset_mapping"]))]
                    for line, e in zip(lines, encodings[special])]
            got = probe.run(case.model, lines, *flags, "--offsets")
            differences += report(case, lines, want, got, f"offsets, special={special}")
    differences += compare_decode(case, probe, tokenizer, [e["input_ids"] for e in encodings[True]], report)
    differences += compare_info(case, probe, tokenizer, report)
    return len(lines), differences


def compare_decode(case, probe, tokenizer, encoded, report):
    rng = random.Random(5)
    ids = encoded + [[rng.randrange(len(tokenizer)) for _ in range(rng.randint(1, 12))] for _ in range(300)]
    want = [[tokenizer.decode(i, skip_special_tokens=skip) for skip in (False, True)] for i in ids]
    got = probe.run(case.model, ids, "--decode")
    differences = report(case, ids, want, [g[:2] for g in got], "decode")
    # A stream is promised to end as decode() does where the ids are those of a text.
    streams = [(i, w[0], g[2]) for i, w, g in zip(encoded, want, got) if "\ufffd" not in w[0]]
    return differences + report(case, [s[0] for s in streams], [s[1] for s in streams], [s[2] for s in streams], "stream")


def compare_info(case, probe, tokenizer, report):
    if isinstance(case.model, Path) and case.model.suffix == ".gguf":
        return 0
    got = probe.run(case.model, [], "--info")[0]
    names = ["bos", "eos", "pad", "unk"]
    want = {"size": len(tokenizer), **{name: getattr(tokenizer, f"{name}_token_id") for name in names}}
    return report(case, ["info"], [want], [{key: got[key] for key in want}], "info")


class Report:
    def __init__(self, shown=3):
        self.left = {}
        self.shown = shown

    def __call__(self, case, inputs, want, got, what):
        if len(want) != len(got):
            print(f"  {case.name}: {what}: {len(got)} answers for {len(want)} lines")
            return 1
        bad = [(i, w, g) for i, w, g in zip(inputs, want, got) if w != g]
        for given, w, g in bad[: self.shown]:
            print(f"  {case.name}: {what}: {json.dumps(given)[:200]}\n    want {json.dumps(w)[:400]}\n    got  {json.dumps(g)[:400]}")
        return len(bad)


def synthetic(probe, arguments):
    lines = generated_lines(arguments.lines, seed=7)
    texts = generated_lines(1500, seed=11) + PARAGRAPHS * 20
    if arguments.samples:
        samples = [line for file in sorted(Path(arguments.samples).glob("*.jsonl")) for line in corpus_lines(file)]
        texts += samples[:6000]
        lines += samples[6000:6000 + arguments.lines] or samples[: arguments.lines]
    report, total, failed = Report(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        model = train_sentencepiece(root, texts)
        for cases in (byte_level_cases(root, texts), llama_cases(root, model), gguf_cases(root, model)):
            for case in cases:
                try:
                    count, differences = compare(case, probe, lines, report)
                except RuntimeError as error:
                    print(f"  {case.name}: {error}")
                    count, differences = 0, 1
                print(f"{case.name}: {count} lines, {differences} differences", flush=True)
                total, failed = total + count, failed + differences
    print(f"{total} lines in all, {failed} differences")
    return failed


def real(probe, arguments):
    lines = [line for file in arguments.corpus for line in corpus_lines(file)] + generated_lines(arguments.lines, seed=7)
    report, failed = Report(), 0
    for model in arguments.real:
        path, _, reference = model.partition("=")
        case = Case(model, Path(path), Path(reference) if reference else None)
        count, differences = compare(case, probe, lines, report)
        failed += differences
        bench = probe.run(path, lines, "--bench")[0]
        start = time.time()
        tokenizer = AutoTokenizer.from_pretrained(str(reference or path))
        loaded = time.time() - start
        start = time.time()
        for line in lines:
            tokenizer.backend_tokenizer.encode(line, add_special_tokens=False).ids
        seconds = time.time() - start
        size = bench["bytes"] / 1e6
        print(f"{model}: {count} lines, {differences} differences; {size:.2f} MB: {size / bench['seconds']:.1f} MB/s "
              f"(loads in {bench['load_seconds']:.3f} s), tokenizers {size / seconds:.1f} MB/s (loads in {loaded:.2f} s)", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("probe")
    parser.add_argument("--samples")
    parser.add_argument("--lines", type=int, default=1500)
    parser.add_argument("--real", nargs="+", default=[])
    parser.add_argument("--corpus", nargs="+", default=[])
    arguments = parser.parse_args()
    probe = Probe(arguments.probe)
    return 1 if (real if arguments.real else synthetic)(probe, arguments) else 0


if __name__ == "__main__":
    sys.exit(main())
