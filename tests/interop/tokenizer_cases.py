"""Small tokenizers of every family, trained on the fly, and GGUF files made of them."""

import json
import shutil
from pathlib import Path

import gguf
import sentencepiece
from tokenizers import (
    AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)
from transformers import AutoTokenizer

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


class Case:
    """A model to load, and what to compare it with: a folder for AutoTokenizer, or a reference as those below."""

    def __init__(self, name, model, reference=None, skip=()):
        self.name, self.model, self.reference, self.skip = name, model, reference, skip


class FastReference:
    """AutoTokenizer on a folder."""

    def __init__(self, folder):
        self.tokenizer = AutoTokenizer.from_pretrained(str(folder))

    def accepts(self, text):
        return True

    def encode(self, texts, special):
        """[(ids, ranges of characters or None)] of the texts."""
        found = self.tokenizer(texts, add_special_tokens=special, return_offsets_mapping=True)
        return list(zip(found["input_ids"], found["offset_mapping"]))

    def decode(self, ids, skip):
        return self.tokenizer.batch_decode(ids, skip_special_tokens=skip)

    def info(self):
        named = {name: getattr(self.tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad", "unk")}
        return {"size": len(self.tokenizer), **named}


class SlowReference(FastReference):
    """The slow LlamaTokenizer, which calls sentencepiece: ids alone."""

    def __init__(self, folder):
        self.tokenizer = AutoTokenizer.from_pretrained(str(folder), use_fast=False)

    def encode(self, texts, special):
        return [(ids, None) for ids in self.tokenizer(texts, add_special_tokens=special)["input_ids"]]


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

    def accepts(self, text):
        return not any(mark in text for mark in ("<", "  ", "\x00", "▁"))

    def encode(self, texts, special):
        return [(([1] if special else []) + (self.processor.encode(text) if text else []), None) for text in texts]


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
        yield Case(f"GGUF {pre}", path, reference, skip=("info", "offsets") if pre == "gpt-2" else ("info",))
    processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
    count = processor.get_piece_size()
    kinds = [6 if processor.is_byte(i) else 3 if processor.is_control(i) else 2 if processor.is_unknown(i) else 1 for i in range(count)]
    plain = sentencepiece.SentencePieceProcessor(model_file=str(model))
    path = write_gguf(root / "spm.gguf", "llama", [plain.id_to_piece(i) for i in range(count)], kinds, "default",
                      scores=[plain.get_score(i) for i in range(count)], bos_token_id=1, eos_token_id=2, unknown_token_id=0)
    yield Case("GGUF sentencepiece", path, SentencePieceReference(model), skip=("decode", "info"))


# ---------------------------------------------------------------- files from elsewhere

GPT2_SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
SPLITS = {"gpt-2": [GPT2_SPLIT], "smollm": [r"\p{N}", GPT2_SPLIT], "llama-bpe": [LLAMA3], "qwen2": [QWEN2]}


def folder_of_gguf(path, folder):
    """What a GGUF file says about its tokenizer, as a folder for AutoTokenizer. Its names are llama.cpp's."""
    reader = gguf.GGUFReader(path)

    def value(key, otherwise=None):
        field = reader.fields.get(f"tokenizer.ggml.{key}")
        return otherwise if field is None else field.contents()

    folder.mkdir(parents=True)
    tokens, types, bos = value("tokens"), value("token_type"), value("bos_token_id")
    if value("model") == "llama":
        write_sentencepiece(folder / "tokenizer.model", tokens, value("scores"), types, value("add_space_prefix", True))
        config = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": value("add_bos_token", True)}
        added = {i: t for i, t in enumerate(types) if t in (2, 3)}
        config["added_tokens_decoder"] = {str(i): added_token(tokens[i], True) for i in added}
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
        return folder
    pre = value("pre")
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)},
                                     [tuple(merge.split(" ")) for merge in value("merges")], ignore_merges=pre == "llama-bpe"))
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*map(split, SPLITS[pre]), plain_bytes()])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t, kind in zip(tokens, types) if kind in (2, 3)])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t, kind in zip(tokens, types) if kind == 4])
    if value("add_bos_token", pre == "llama-bpe"):
        tokenizer.post_processor = processors.TemplateProcessing(single=f"{tokens[bos]} $A", special_tokens=[(tokens[bos], bos)])
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    return folder


def added_token(content, special):
    return {"content": content, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": special}


def write_sentencepiece(path, pieces, scores, types, add_dummy_prefix):
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    for piece, score, kind in zip(pieces, scores, types):
        model.pieces.add(piece=piece, score=score, type=kind)
    model.trainer_spec.model_type = 2  # BPE
    model.trainer_spec.byte_fallback = True
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = add_dummy_prefix
    model.normalizer_spec.remove_extra_whitespaces = False
    path.write_bytes(model.SerializeToString())
