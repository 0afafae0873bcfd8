"""Texts on which the tokenizers are compared: generated ones, corpora, and both mixed."""

import json
import random
import unicodedata
from pathlib import Path

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


TEXT_SUFFIXES = {".txt", ".md", ".py", ".h", ".cpp", ".c", ".js", ".csv", ".yaml", ".sh", ""}
MARKS = ["<s>", "</s>", "<unk>", "<|endoftext|>", " <|im_start|>user\n", "<|im_end|>\n", "<|eot_id|>", "<|begin_of_text|>",
         "<|start_header_id|>assistant<|end_header_id|>\n\n", "<tool_call>", "</think>", "[INST] ", " [/INST]", "<0x0A>", "▁", "<pad>",
         "\x00", "\x08", "\x1b[31m", "\u200b", "\u202e", "\ufeff", "\ufffd", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇨🇳", "❤️", "👋🏽", "e\u0301", "\u2028"]


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
        yield value.encode("utf-8", "replace").decode()  # JSON can hold half a surrogate pair
    elif isinstance(value, dict):
        for item in value.values():
            yield from json_strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from json_strings(item)


def corpus_lines(path):
    """The lines of a text or source file, the strings of a JSON file, of all files where `path` is a folder."""
    path = Path(path)
    if path.is_dir():
        return [line for file in sorted(path.rglob("*")) if file.is_file() for line in corpus_lines(file)]
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".jsonl":
        return [s for line in text.splitlines() if line.strip() for s in json_strings(json.loads(line))]
    if path.suffix == ".json":
        return list(json_strings(json.loads(text)))
    return [line for line in text.splitlines(keepends=True) if line.strip()] if path.suffix in TEXT_SUFFIXES else []


def mixed_lines(corpora, count, seed=7):
    """`count` texts, as bytes: 5 of 8 lines of the corpora, one of 8 such lines made odd, a quarter generated.

    No corpus gives more than a third of its part. The same files give the same lines.
    """
    rng = random.Random(seed)
    wanted = count * 5 // 8
    pools = [lines for lines in map(corpus_lines, corpora) if lines]
    real = []
    for lines in sorted(pools, key=len):
        real += rng.sample(lines, min(len(lines), wanted // 3, wanted - len(real)))
    lines = [line.encode() for line in real]
    if real:
        lines += [odd_line(rng, rng.choice(real), rng.choice(real)) for _ in range(count // 8)]
    lines += [line.encode() for line in generated_lines(count - len(lines), seed)]
    return lines


def odd_line(rng, line, other):
    """`line` with something done to it that text in the wild has too; not always UTF-8 any more."""
    kind = rng.randrange(8)
    at = rng.randint(0, len(line))
    if kind == 0:
        return (line[:at] + rng.choice(MARKS) + line[at:]).encode()
    if kind == 1:
        return unicodedata.normalize(rng.choice(["NFC", "NFD", "NFKC", "NFKD"]), line).encode()
    if kind == 2:
        return line.replace(" ", rng.choice(["  ", "\u00a0", "\t", "\u3000", "", "\r\n", "\u200b"])).encode()
    if kind == 3:
        return (line[:at] + other[: rng.randint(0, len(other))] + rng.choice(WORDS) + line[at:]).encode()
    if kind == 4:
        return rng.choice([str.upper, str.lower, str.title, str.swapcase])(line).encode()
    raw = line.encode()
    at = rng.randint(0, len(raw))
    if kind == 5:  # cut within a character
        return raw[at:] if rng.random() < 0.5 else raw[:at]
    if kind == 6:  # bytes that are no text
        return raw[:at] + rng.randbytes(rng.randint(1, 9)) + raw[at:]
    return line.encode(rng.choice(["latin-1", "gb18030", "utf-16-le"]), errors="replace")
