"""Rows as Lore reads them against Python's csv, json, codecs and gzip, on files made at random."""

import csv
import ctypes
import gzip
import io
import json
import os
import random
import subprocess

import pytest

PROBE = os.path.join(os.environ["LORE_BIN"], "rows_probe")
PLACES = ["", "，。", "风控阈值", "供应链弹性", "abc", " ", '"', "\\", "\n", "\r\n", ",", ";", "\t", "é", "😀", "𠮷", "\u2028", "ÿ"]
CHINESE = "中国人民银行为执行货币政策可以运用下列工具要求金融机构按照规定的比例交存准备金确定基准利率在公开市场上买卖债券和外汇"


def probe(path, *keys):
    """Every line of the probe, which is (rows, problems, error)."""
    done = subprocess.run([PROBE, str(path), *keys], capture_output=True, timeout=120)
    rows, problems, error = [], [], None
    for line in done.stdout.decode("utf-8").split("\n")[:-1]:
        value = json.loads(line)
        if "error" in value:
            error = value["error"]
        elif "row" in value:
            rows.append((value["source"], value["row"]))
        else:
            problems.append((value["source"], value["why"]))
    assert done.returncode == (3 if error else 0), done
    return rows, problems, error


def values(path, *keys):
    rows, problems, error = probe(path, *keys)
    assert not problems and error is None, (problems[:3], error)
    return [row for _, row in rows]


def some_text(rng, longest=12):
    return "".join(rng.choice(PLACES) for _ in range(rng.randrange(longest)))


def some_value(rng, depth=0):
    kind = rng.randrange(8 if depth < 4 else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.randrange(-(2**40), 2**40)
    if kind == 2:
        return rng.choice([0.5, -1.25e-3, 1e22, 3.0])
    if kind <= 4:
        return some_text(rng)
    if kind == 5:
        return [some_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return some_object(rng, depth + 1)


def some_object(rng, depth=0):
    return {f"k{i}{rng.choice(PLACES)}": some_value(rng, depth + 1) for i in range(rng.randrange(5))}


def lines_where_elements_begin(text):
    """By Python's own decoder, the line of each element of the list `text`."""
    decoder, at, lines = json.JSONDecoder(), text.index("[") + 1, []
    while True:
        while text[at] in " \t\r\n,":
            at += 1
        if text[at] == "]":
            return lines
        lines.append(text.count("\n", 0, at) + 1)
        _, at = decoder.raw_decode(text, at)


@pytest.mark.parametrize("seed", range(8))
def test_json_in_every_layout(tmp_path, seed):
    rng = random.Random(seed)
    rows = [some_object(rng) for _ in range(200)]
    path = tmp_path / "rows.json"
    for indent in (None, 0, 2, "\t"):
        for escapes in (True, False):
            text = rng.choice(["", "\n\n", " "]) + json.dumps(rows, indent=indent, ensure_ascii=escapes)
            path.write_text(text, encoding="utf-8", newline="")
            read, problems, error = probe(path)
            assert not problems and error is None
            assert [row for _, row in read] == rows
            # Each comes with the line on which it begins.
            wanted = lines_where_elements_begin(text)
            assert [int(source.rsplit(":", 1)[1]) for source, _ in read] == wanted
            # The same rows as the one list of an object.
            path.write_text(json.dumps({"data": [{"x": 1}] + rows}, indent=indent), encoding="utf-8")
            assert values(path) == [{"x": 1}] + rows
    lines = [json.dumps(row, ensure_ascii=False).replace("\u2028", "\\u2028") for row in rows]
    for end in ("\n", "\r\n", "\r"):
        for name in ("rows.jsonl", "lines.json", "no_ending"):
            blank = [line + end * rng.randrange(1, 4) for line in lines]
            (tmp_path / name).write_text("".join(blank), encoding="utf-8", newline="")
            assert values(tmp_path / name) == rows


@pytest.mark.parametrize("seed", range(12))
def test_csv_of_every_dialect(tmp_path, seed):
    rng = random.Random(seed)
    path = tmp_path / "table.csv"
    for _ in range(10):
        delimiter = rng.choice(",;\t")
        columns = rng.randrange(2, 6)
        names = [f"c{i}" + rng.choice(["", "名", '"q"', "a\nb", "x y"]) for i in range(columns)]
        out = io.StringIO(newline="")
        # The writer quotes only those line ends that are its own.
        end = rng.choice(["\n", "\r\n", "\r"])
        quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]) if end == "\r\n" else csv.QUOTE_ALL
        writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
        writer.writerow(names)
        for _ in range(100):
            writer.writerow([some_text(rng) for _ in range(columns)])
        path.write_text(rng.choice(["", "\ufeff"]) + out.getvalue(), encoding="utf-8", newline="")
        with open(path, encoding="utf-8-sig", newline="") as file:
            wanted = list(csv.DictReader(file, delimiter=delimiter, strict=True))
        assert values(path) == wanted


@pytest.mark.parametrize("seed", range(12))
def test_damaged_csv_up_to_the_damage(tmp_path, seed):
    """Random characters are put in: rows agree with Python's strict reader up to its first error."""
    rng = random.Random(seed)
    path = tmp_path / "table.csv"
    for _ in range(10):
        out = io.StringIO(newline="")
        csv.writer(out).writerows([["a", "b", "c"]] + [[some_text(rng) for _ in range(3)] for _ in range(30)])
        text = list(out.getvalue())
        for _ in range(rng.randrange(1, 4)):
            text.insert(rng.randrange(8, len(text)), rng.choice('",\nx'))
        path.write_text("".join(text), encoding="utf-8", newline="")
        wanted, failed = [], False
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            try:
                wanted = [row for row in reader if row]
            except csv.Error:
                failed = True
        if failed:
            with open(path, encoding="utf-8", newline="") as file:
                wanted = []
                try:
                    for row in csv.reader(file, strict=True):
                        wanted += [row] if row else []
                except csv.Error:
                    pass
        good = [dict(zip("abc", row)) for row in wanted[1:] if len(row) == 3]
        rows, problems, error = probe(path)
        if failed:
            assert problems or error
            assert [row for _, row in rows][: len(good)] == good
        else:
            assert [row for _, row in rows] == good
            assert error is None and len(problems) == len(wanted) - 1 - len(good)


def as_jsonl(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.mark.parametrize(
    "codec, declared",
    [
        ("utf-8", "auto"),
        ("utf-8-sig", "auto"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "auto"),
        ("utf-16-le", "auto"),
        ("utf-16-be", "auto"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16be"),
        ("gb18030", "auto"),
        ("gb18030", "gb18030"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_encodings(tmp_path, codec, declared, seed):
    rng = random.Random(seed)
    rows = [{"text": "".join(rng.choices(CHINESE, k=40)) + some_text(rng), "n": i} for i in range(3000)]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(as_jsonl(rows).encode(codec))
    assert values(path, f"encoding={declared}") == rows


def is_assigned_alike(character):
    """False for the 24 characters of GB 18030-2000 in the private use area that its later editions moved, which
    Python still has there, and for U+1E3F, which changed places with one of them."""
    return not ("\ue78d" <= character <= "\ue796" or character == "\u1e3f" or character == "\ue7c7"
                or "\ue816" <= character <= "\ue864" or "\u9fb4" <= character <= "\u9fbb")


def test_every_character_of_gb18030(tmp_path):
    codes = [*range(0x80, 0xD800), *range(0xE000, 0x10000), *range(0x10000, 0x110000, 37), 0x10FFFF]
    moved = {0x20087, 0x20089, 0x200CC, 0x215D7, 0x2298F, 0x241FE}
    characters = [chr(code) for code in codes if is_assigned_alike(chr(code)) and code not in moved
                  and chr(code) not in "\ufe10\ufe11\ufe12\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19"]
    rows = [{"text": "".join(characters[i : i + 100])} for i in range(0, len(characters), 100)]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(as_jsonl(rows).encode("gb18030"))
    assert values(path, "encoding=gb18030") == rows


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "gb18030"])
def test_bytes_that_cannot_be_decoded_cost_their_row_alone(tmp_path, codec):
    rng = random.Random(1)
    damage = {"utf-8": b"\xe9 ", "gb18030": b"\xff ", "utf-16-le": b"\x00\xdc", "utf-16-be": b"\xdc\x00"}[codec]
    wanted, bad, parts = [], [], []
    for i in range(500):
        row = {"text": "".join(rng.choices(CHINESE, k=20)), "n": i}
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode(codec)
        if rng.random() < 0.05:
            at = len('{"text": "'.encode(codec))
            line = line[:at] + damage + line[at:]
            bad.append(i + 1)
        else:
            wanted.append(row)
        parts.append(line)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(parts))
    rows, problems, error = probe(path, "encoding=" + codec.replace("16-", "16"))
    assert error is None and bad
    assert [row for _, row in rows] == wanted
    assert [int(source.rsplit(":", 1)[1]) for source, _ in problems] == bad
    assert all(("not UTF-8" in why) if codec == "utf-8" else ("that are not" in why) for _, why in problems)


def test_text_in_other_encodings_is_never_taken_for_chinese(tmp_path):
    korean = "대한민국의 경제는 금융 위험 관리를 통해 성장하고 있습니다. 리스크 임계값을 설정하고 검토합니다.\n"
    japanese = "リスク管理の閾値は、方針チームが設定し、定期的に見直す臨界値である。\n"
    taiwanese = "風險控制閾值是觸發自動攔截、降額或覆核等處置動作的風險指標臨界值，由策略團隊設定並定期校準。\n"
    russian = "Пороговое значение риска определяется командой и регулярно проверяется.\n"
    french = "Le seuil de risque déclenche un contrôle dès qu'il est dépassé à l'étranger.\n"
    path = tmp_path / "text.txt"
    for text, codec in [(korean, "euc-kr"), (japanese, "euc-jp"), (japanese, "shift_jis"), (taiwanese, "big5"),
                        (russian, "cp1251"), (russian, "koi8-r"), (french, "latin-1")]:
        path.write_bytes(text.encode(codec) * 50)
        rows, problems, error = probe(path, "sample_by=line")
        assert not rows, (codec, rows[0])
        assert (error and "encoding:" in error) or all("encoding:" in why for _, why in problems), codec


@pytest.mark.parametrize("seed", range(5))
def test_text_is_what_python_reads(tmp_path, seed):
    rng = random.Random(seed)
    path = tmp_path / "a.txt"
    for _ in range(10):
        text = "x" + "".join(rng.choice(PLACES + ["\r", "\n\n", "\n \n"]) for _ in range(400))
        path.write_bytes(text.encode("utf-8"))
        read = path.read_text(encoding="utf-8")
        assert values(path) == [{"text": read}]
        lines = [line for line in read.split("\n") if line.strip(" \t\r\n\f\v")]
        assert values(path, "sample_by=line") == [{"text": line} for line in lines]
        paragraphs, gathered = [], []
        for line in read.split("\n") + [""]:
            if line.strip(" \t\r\n\f\v"):
                gathered.append(line)
            elif gathered:
                paragraphs.append("\n".join(gathered))
                gathered = []
        assert values(path, "sample_by=paragraph") == [{"text": paragraph} for paragraph in paragraphs]


def test_a_long_document_comes_in_parts_that_make_it_up(tmp_path):
    rng = random.Random(3)
    text = "".join("".join(rng.choices(CHINESE, k=rng.randrange(200))) + "\n" for _ in range(20000))
    path = tmp_path / "long.md"
    path.write_text(text, encoding="utf-8")
    rows, problems, error = probe(path)
    assert not problems and error is None and len(rows) > 4
    assert "".join(row["text"] for _, row in rows) == text
    line = 1
    for source, row in rows:
        assert source == f"{path}:{line}"
        line += row["text"].count("\n")


def zstd(data, level=3):
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_compressBound.restype = library.ZSTD_compress.restype = ctypes.c_size_t
    out = ctypes.create_string_buffer(library.ZSTD_compressBound(ctypes.c_size_t(len(data))))
    size = library.ZSTD_compress(out, ctypes.c_size_t(len(out)), data, ctypes.c_size_t(len(data)), level)
    return out.raw[:size]


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_packed_files(tmp_path, pack):
    rng = random.Random(5)
    rows = [some_object(rng) | {"n": i} for i in range(1500)]
    data = as_jsonl(rows).encode("utf-8")
    path = tmp_path / "rows.jsonl"  # the name says nothing of it
    packed = pack(data)
    path.write_bytes(packed)
    assert values(path) == rows
    half = len(data) // 2
    path.write_bytes(pack(data[:half]) + pack(b"") + pack(data[half:]) + b"\0" * 100)
    assert values(path) == rows
    assert "follows" in ((path.write_bytes(packed + b"garbage"), probe(path))[1][2] or "")
    # Cut anywhere, or with any byte changed: an error or, past the checks of the format, the very rows.
    for _ in range(40):
        at = rng.randrange(5, len(packed))
        path.write_bytes(packed[:at])
        got, _, error = probe(path)
        assert error is not None and "cut short" in error
        assert [row for _, row in got] == rows[: len(got)]
    unnoticed = 0
    for _ in range(40):
        at = rng.randrange(5, len(packed))
        path.write_bytes(packed[:at] + bytes([packed[at] ^ rng.randrange(1, 256)]) + packed[at + 1 :])
        got, problems, error = probe(path)
        unnoticed += error is None and not problems and [row for _, row in got] != rows
    # gzip checks what it unpacks; zstd's one-call format carries no sum, so a changed letter is a changed letter.
    assert unnoticed == 0 or pack is zstd


def test_a_bomb_takes_time_but_no_memory(tmp_path):
    path = tmp_path / "bomb.jsonl"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(100):
            file.write(b"\0" * 10_000_000)
    done = subprocess.run([PROBE, str(path), "encoding=utf-8", "--count"], capture_output=True, timeout=120)
    counted = json.loads(done.stdout)
    assert counted["bad"] == 1 and counted["rss_growth"] < 64 << 20


@pytest.mark.parametrize("layout", ["jsonl", "json", "csv", "txt", "tbx"])
def test_memory_does_not_grow_with_the_file(tmp_path, layout):
    """The program's tests read 64 MB; the size does not matter to the bound."""
    path = tmp_path / f"big.{layout}"
    text = CHINESE * 5
    line = {
        "jsonl": json.dumps({"text": text}, ensure_ascii=False) + "\n",
        "json": json.dumps({"text": text}, ensure_ascii=False) + ",\n",
        "csv": f'x,"{text}\n"\n',
        "txt": text + "\n",
        "tbx": f'<conceptEntry><langSec xml:lang="zh"><termSec><term>{text}</term></termSec></langSec></conceptEntry>\n',
    }[layout]
    head = {"json": "[", "csv": "a,b\n", "tbx": "<tbx><text><body>"}.get(layout, "")
    tail = {"json": '{"text": ""}]', "tbx": "</body></text></tbx>"}.get(layout, "")
    count = 64_000_000 // len(line.encode())
    with open(path, "w", encoding="utf-8") as file:
        file.write(head)
        for _ in range(100):
            file.write(line * (count // 100))
        file.write(tail)
    done = subprocess.run([PROBE, str(path), "--count"], capture_output=True, timeout=120)
    counted = json.loads(done.stdout)
    assert counted["bad"] == 0 and counted["rows"] > 50 and counted["rss_growth"] < 16 << 20
