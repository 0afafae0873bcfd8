"""`lore evaluate` as a program: gates and their exit codes, the report, and what it refuses."""

import json
import xml.etree.ElementTree

import pytest
from lore_program import run


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "handbook.txt"
    path.write_text("A risk-control threshold is the value past which a case is reviewed. 风控阈值\n" * 20,
                    encoding="utf-8")
    return path


def evaluate(model, *arguments, check=True):
    return run("lore", "evaluate", "--base", model, "--dtype", "float32", *arguments, check=check)


def test_a_report_for_ci_and_for_a_pull_request(model, text, tmp_path):
    result = evaluate(model, "--data", text, "--gate", "perplexity < 1e9", "--gate", "perplexity < 1", "--gate",
                      "perplexty < 1", "--report", tmp_path / "report", "--json", check=False)
    assert result.returncode == 4
    printed = json.loads(result.stdout)
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == printed
    assert [gate["passed"] for gate in printed["gates"]] == [True, False, False]
    assert printed["gates"][2]["value"] is None and "did you mean 'perplexity'" in printed["gates"][2]["why"]
    suite = xml.etree.ElementTree.parse(tmp_path / "report" / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert [case.get("name") for case in suite] == ["perplexity < 1e9", "perplexity < 1", "perplexty < 1"]
    assert "failed" in (tmp_path / "report" / "summary.md").read_text()


def test_a_gate_that_holds_exits_0_and_is_printed(model, text):
    result = evaluate(model, "--data", text, "--gate", "loss > 0")
    assert "passed  loss > 0" in result.stdout and "byte_perplexity" in result.stdout


@pytest.mark.parametrize("arguments, code, message", [
    (["--data", "TEXT", "--gate", "perplexity"], 2, "has no comparison"),
    (["--data", "TEXT", "--stride", "300", "--max-length", "200"], 2, "is more than --max-length 200"),
    (["--data", "TEXT", "--max-length", "1"], 2, "--max-length"),
    ([], 2, "give --data FILE"),
    (["--data", "missing.txt"], 3, "missing.txt"),
    (["--data", "TEXT", "--adapter", "nowhere"], 3, "nowhere"),
])
def test_what_cannot_be_done_is_said_in_one_line(model, text, arguments, code, message):
    result = evaluate(model, *[str(text) if word == "TEXT" else word for word in arguments], check=False)
    assert result.returncode == code
    assert message in result.stderr


def test_a_text_that_is_no_text_is_named_with_its_line(model, tmp_path):
    path = tmp_path / "broken.txt"
    path.write_bytes(b"a good line\n" * 300 + "再一行\n".encode() * 300 + b"bad \xff byte\n" + b"good\n" * 300)
    result = evaluate(model, "--data", path, check=False)
    assert result.returncode == 3 and "broken.txt:601" in result.stderr


def test_a_recipe_scores_its_validation_rows_with_its_adapter(recipe):
    run("lore", "train", recipe)
    result = json.loads(run("lore", "evaluate", recipe, "--json").stdout)
    lines = (recipe.parent / "run" / "metrics.jsonl").read_text().splitlines()
    losses = [row["loss"] for row in map(json.loads, lines) if row["kind"] == "validation"]
    assert result["base"]["loss"] == pytest.approx(losses[0], rel=1e-6)
    assert result["metrics"]["loss"] == pytest.approx(losses[-1], rel=1e-6)
