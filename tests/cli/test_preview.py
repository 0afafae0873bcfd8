"""`lore preview` and `lore recipe check` as a user runs them."""

import html.parser
import json
import os
import pty
import stat
import subprocess

import pytest
from lore_program import BIN, SMOLLM2, run
from transformers import AutoTokenizer

USAGE, INPUT = 2, 3
HOSTILE = "</script><img src=x onerror=alert(1)>\x1b[2J\u202e"


def preview(recipe, *arguments, check=True):
    return run("lore", "preview", recipe, *arguments, check=check)


def check(recipe, *arguments):
    return run("lore", "recipe", "check", recipe, *arguments, check=False)


def rows_of(recipe, name="train.jsonl"):
    return (recipe.parent / name).read_text(encoding="utf-8").splitlines()


def write_rows(recipe, rows, name="train.jsonl"):
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    (recipe.parent / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def chat(question, answer):
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def on_terminal(*arguments, **environment):
    """What the program prints where stdout is a terminal."""
    main, secondary = pty.openpty()
    variables = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen([str(part) for part in (BIN / "lore", *arguments)], stdout=secondary,
                               stderr=subprocess.DEVNULL, env=variables | {"TERM": "xterm"} | environment)
    os.close(secondary)
    printed = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # Linux says so where the other end is closed
            break
        if not part:
            break
        printed += part
    os.close(main)
    assert process.wait() == 0
    return printed.decode("utf-8")


class Page(html.parser.HTMLParser):
    """The elements of a page, the texts of its examples, and which of them are trained."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.examples, self.trained = [], [], [], []
        self.inside, self.marks = None, 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if ("class", "text") in attributes:
            self.examples.append("")
            self.trained.append("")
            self.inside = True
        self.marks += tag == "mark"

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "div"
        self.marks -= tag == "mark"

    def handle_data(self, data):
        if self.inside:
            self.examples[-1] += data
            self.trained[-1] += data if self.marks else ""


def test_examples_show_trained_parts_and_numbers_follow(recipe):
    printed = preview(recipe, "--count", "2").stdout
    first, second = (json.loads(row)["messages"][-1]["content"] for row in rows_of(recipe)[:2])
    assert f"⟦{first}<|im_end|>⟧" in printed and f"⟦{second}<|im_end|>⟧" in printed
    assert "train.jsonl:3 " not in printed
    assert "24" in printed and "packs of 1,024 tokens" in printed and "█" in printed
    assert "\x1b" not in printed


def test_json_has_the_ids_of_transformers_and_the_text_of_the_whole(recipe, model):
    tokenizer = AutoTokenizer.from_pretrained(model)
    lines = preview(recipe, "--json").stdout.splitlines()
    assert len(lines) == 24
    for line, row in zip(lines, rows_of(recipe)):
        example = json.loads(line)
        assert list(example) == ["source", "input_ids", "labels", "text"]
        assert example["input_ids"] == tokenizer.apply_chat_template(json.loads(row)["messages"])
        assert example["text"] == tokenizer.decode(example["input_ids"])
    summary = json.loads(preview(recipe, "--json", "--summary").stdout)
    tokens = [len(json.loads(line)["input_ids"]) for line in lines]
    trained = [sum(label != -100 for label in json.loads(line)["labels"]) for line in lines]
    assert summary["all"]["tokens"] == sum(tokens) and summary["all"]["trained_tokens"] == sum(trained)
    assert summary["all"]["lengths"]["longest"] == max(tokens)
    assert sum(entry["examples"] for entry in summary["all"]["lengths"]["histogram"]) == 24
    assert summary["batches"]["steps_per_epoch"] == 6


def test_the_texts_of_tokens_make_the_whole_text(recipe):
    """Put together from --ids, characters of several tokens once, the text is what the tokenizer decodes."""
    write_rows(recipe, [chat("价格 🙂🙂 naïve\t—  a  b\n\nc", " 供应链 é́ 👩‍💻 ﷽ ok.\n")])
    whole = json.loads(preview(recipe, "--json").stdout)["text"]
    lines = preview(recipe, "--ids").stdout.split("\n\n")[0].split("\n")[1:]
    pieces = [line[18:] for line in lines if line]
    texts = [piece.split("  (")[0] for piece in pieces
             if "  (" not in piece or piece.rsplit("(")[1].split(" of ")[0] == piece[-2]]
    assert "".join(texts) == whole.replace(" ", "·").replace("\n", "↵").replace("\t", "⇥")
    assert any("(1 of " in piece for piece in pieces)


def test_a_terminal_gets_colour_unless_it_asks_for_none(recipe):
    answer = json.loads(rows_of(recipe)[0])["messages"][-1]["content"]
    assert f"\x1b[32m{answer}\x1b[0m" in on_terminal("preview", recipe, "--count", "1")
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        printed = on_terminal("preview", recipe, "--count", "1", **variables)
        assert "\x1b" not in printed and f"⟦{answer}<|im_end|>⟧" in printed


def test_data_and_names_cannot_steer_the_terminal(recipe):
    write_rows(recipe, [chat(HOSTILE, HOSTILE)], "evil\x1b[31m.jsonl")
    printed = preview(recipe, "--set", "data.train=[{ path: 'evil*.jsonl' }]", check=False)
    assert "\x1b" not in printed.stdout + printed.stderr
    write_rows(recipe, [chat(HOSTILE, HOSTILE)])
    for arguments in ([], ["--ids"]):
        printed = preview(recipe, *arguments).stdout
        assert "\x1b" not in printed and "\u202e" not in printed and "␛" in printed and "\\u202e" in printed
    coloured = on_terminal("preview", recipe)
    assert "\x1b[2J" not in coloured and "␛[2J" in coloured


def test_one_row_can_be_looked_up(recipe):
    printed = preview(recipe, "--row", "train.jsonl:17").stdout
    assert printed.count("== ") == 1 and "train.jsonl:17 " in printed
    by_path = preview(recipe, "--row", f"{recipe.parent / 'train.jsonl'}:1", "--json").stdout
    assert json.loads(by_path)["source"].endswith("train.jsonl:1")
    around = recipe.parent / "run" / ".." / "train.jsonl"
    (recipe.parent / "run").mkdir()
    assert json.loads(preview(recipe, "--row", f"{around}:2", "--json").stdout)["source"].endswith("train.jsonl:2")
    missing = preview(recipe, "--row", "train.jsonl:99", check=False)
    assert missing.returncode == USAGE and "train.jsonl:99" in missing.stderr


def test_validation_examples_from_sources_or_a_fraction(recipe):
    assert "heldout.jsonl:1 " in preview(recipe, "--validation", "--count", "1").stdout
    recipe.write_text(recipe.read_text().replace("  validation: [{ path: heldout.jsonl }]\n", ""))
    without = preview(recipe, "--validation", check=False)
    assert without.returncode == USAGE and "validation_fraction" in without.stderr
    fraction = ("--set", "data.validation_fraction=0.25", "--summary", "--json")
    train = json.loads(preview(recipe, *fraction).stdout)
    validation = json.loads(preview(recipe, "--validation", *fraction).stdout)
    whole = json.loads(preview(recipe, "--summary", "--json", "--set", "evaluation.every_steps=0").stdout)
    assert [train["all"]["examples"], validation["all"]["examples"]] == [18, 6]
    for key in ("tokens", "trained_tokens"):
        assert train["all"][key] + validation["all"][key] == whole["all"][key]


def test_packing_is_counted(recipe):
    packed = json.loads(preview(recipe, "--summary", "--json", "--set", "data.packing=true", "--set",
                                "data.max_length=300").stdout)["batches"]
    plain = json.loads(preview(recipe, "--summary", "--json", "--set", "data.max_length=300").stdout)["batches"]
    assert packed["packing"] and not plain["packing"]
    assert packed["packs"] == plain["packs"] and packed["micro_batches"] == -(-packed["packs"] // 4)
    assert 0.5 < packed["pack_efficiency"] <= 1
    assert plain["padding_tokens"] > 0


def test_the_page_shows_the_examples_and_nothing_of_theirs_runs(recipe):
    write_rows(recipe, [chat(HOSTILE, HOSTILE), chat("q", "答案")] * 60)
    page_file = recipe.parent / "page.html"
    preview(recipe, "--html", page_file)
    assert stat.S_IMODE(page_file.stat().st_mode) == 0o600
    text = page_file.read_text(encoding="utf-8")
    page = Page(text)
    assert page.tags.count("script") == 1 and "img" not in page.tags and "\x1b" not in text
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href")]
    assert len(page.examples) == 100
    assert page.trained[1] == "答案<|im_end|>"
    assert page.trained[0] == HOSTILE.replace("\x1b", "␛").replace("\u202e", "\\u202e") + "<|im_end|>"
    assert page.examples[1].startswith("<|im_start|>") and "20 more examples are not in this file" in text
    preview(recipe, "--html", page_file, "--count", "3")
    assert len(Page(page_file.read_text(encoding="utf-8")).examples) == 3
    assert [p.name for p in recipe.parent.glob("page*")] == ["page.html"]
    assert preview(recipe, "--html", page_file, "--json", check=False).returncode == USAGE


def test_a_good_recipe_is_checked_with_what_it_names(recipe):
    result = check(recipe)
    assert result.returncode == 0, result.stderr
    for part in ("2 layers", "q_proj x 2, v_proj x 2", "first 24 rows of train.jsonl: 24 examples",
                 "first 8 rows of heldout.jsonl", "is free"):
        assert part in result.stdout
    assert result.stdout.endswith(": valid\n")
    assert "first 5 rows of train.jsonl" in check(recipe, "--rows", "5").stdout
    found = json.loads(check(recipe, "--json").stdout)
    assert found["valid"] and not found["problems"] and found["looked_at"]
    assert not (recipe.parent / "run").exists()


def test_everything_wrong_is_listed_with_its_line(recipe):
    rows = rows_of(recipe)
    rows[4] = rows[4][:-5]
    rows[9] = '{"text": 5}'
    write_rows(recipe, rows)
    result = check(recipe, "--set", "data.validation[0].path=nowhere.jsonl", "--set",
                   "adapter.target_modules=[q_prj]")
    assert result.returncode == USAGE
    assert f"{recipe}:4:13: data.train[0].path: 2 of the first 24 rows" in result.stderr
    assert f"{recipe.parent / 'train.jsonl'}:5: " in result.stderr
    assert f"{recipe.parent / 'train.jsonl'}:10: " in result.stderr
    assert "--set data.validation[0].path: " in result.stderr and "nowhere.jsonl" in result.stderr
    assert 'did you mean "q_proj"' in result.stderr
    assert "valid\n" not in result.stdout
    found = json.loads(check(recipe, "--json").stdout)
    assert not found["valid"] and [problem["line"] for problem in found["problems"]] == [4]


@pytest.mark.parametrize(
    "settings, code, message",
    [
        (["model.path=nowhere/model"], INPUT, "nowhere/model"),
        (["data.train[0].path=missing.jsonl"], INPUT, "missing.jsonl"),
        (["data.max_length=8"], INPUT, "tokens, more than data.max_length 8"),
        (["data.max_length=40", "data.overlong=truncate_right"], INPUT, "no trained token left"),
        (["data.template=chatmll"], USAGE, "chatml"),
        (["adapter.init_from=nowhere"], INPUT, "nowhere"),
        (["output_dir=recipe.yaml"], USAGE, "is not a folder"),
        (["output_dir=recipe.yaml/run"], USAGE, "cannot be written to"),
        (["training.epochs=-1"], USAGE, "training.epochs"),
    ],
)
def test_what_would_stop_a_run_is_seen_early(recipe, settings, code, message):
    result = check(recipe, *(part for setting in settings for part in ("--set", setting)))
    assert result.returncode == code, result.stderr
    assert message in result.stderr and "valid\n" not in result.stdout


def test_an_empty_source_and_a_used_folder_are_named(recipe):
    write_rows(recipe, [])
    (recipe.parent / "run").mkdir()
    (recipe.parent / "run" / "notes.txt").write_text("mine")
    result = check(recipe)
    assert result.returncode == INPUT and "holds no row" in result.stderr
    assert f"warning: {recipe}:8:1: output_dir: " in result.stderr and "--overwrite" in result.stderr


def test_keys_alone_need_no_model(recipe):
    result = check(recipe, "--keys-only", "--set", "model.path=nowhere/model")
    assert result.returncode == 0 and result.stdout == f"{recipe}: valid\n"
    assert check(recipe, "--keys-only", "--set", "training.epochs=-1").returncode == USAGE
    assert json.loads(check(recipe, "--keys-only", "--json").stdout)["valid"] is True


def test_a_gguf_model_is_checked_and_previewed(recipe):
    setting = ("--set", f"model.path={SMOLLM2}")
    assert "30 layers" in check(recipe, *setting).stdout
    assert "SmolLM2-135M-Instruct.Q4_1.gguf" not in preview(recipe, *setting, "--count", "1").stdout


def test_a_named_pipe_is_refused_and_not_waited_for(recipe):
    (recipe.parent / "train.jsonl").unlink()
    os.mkfifo(recipe.parent / "train.jsonl")
    result = subprocess.run([str(BIN / "lore"), "preview", str(recipe)], capture_output=True, text=True, timeout=30)
    assert result.returncode == INPUT
    assert "train.jsonl: is not a regular file" in result.stderr
