"""`lore evaluate --terms` and `--choices` as a program: metrics, gates, what is printed, and what they refuse."""

import json

import pytest
from lore_program import REPOSITORY, run

GLOSSARY = REPOSITORY / "data-samples" / "glossary.jsonl"
CHOICES = REPOSITORY / "data-samples" / "controls.choices.jsonl"


def evaluate(model, *arguments, check=True):
    return run("lore", "evaluate", "--base", model, "--dtype", "float32", *arguments, check=check)


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    lines = (REPOSITORY / "data-samples" / "terms.heldout.jsonl").read_text(encoding="utf-8").splitlines(True)
    path.write_text("".join(lines[:6]), encoding="utf-8")
    return path


def test_a_suite_of_choices_under_its_name_with_gates_on_its_bounds(model):
    result = evaluate(model, "--choices", f"controls={CHOICES}", "--gate", "controls.accuracy >= 0", "--gate",
                      "controls.accuracy.high <= 1", "--gate", "controls.acuracy > 0", check=False)
    assert result.returncode == 4
    assert "controls (40 cases)" in result.stdout and "accuracy_norm" in result.stdout
    assert "did you mean 'controls.accuracy'" in result.stdout


def test_a_glossary_alone_makes_questions_of_every_kind(model, tmp_path):
    short = tmp_path / "glossary.jsonl"
    short.write_text("".join(GLOSSARY.read_text(encoding="utf-8").splitlines(True)[:2]), encoding="utf-8")
    result = json.loads(evaluate(model, "--terms", short, "--max-new-tokens", 2, "--json").stdout)
    suite = result["suites"]["terms"]
    assert suite["cases"] == 12 and len(suite["groups"]["term"]) == 2
    assert set(suite["metrics"]) == {"margin", "margin_accuracy", "recall", "forbidden_rate", "translation.en_zh",
                                     "translation.zh_en", "exact", "normalized", "rouge_l", "chrf", "bleu"}
    assert {case["detail"]["task"] for case in suite["results"]} == {"naming", "definition", "translation"}


def test_an_adapter_gains_and_loses_terms(recipe, rows):
    run("lore", "train", recipe)
    result = run("lore", "evaluate", recipe, "--terms", rows, "--glossary", GLOSSARY, "--max-new-tokens", 0, "--json")
    printed = json.loads(result.stdout)
    suite = printed["suites"]["terms"]
    assert set(suite["metrics"]) == {"margin", "margin_accuracy"}
    wins = {case["groups"]["term"]: (case["base"]["values"]["margin"] > 0, case["values"]["margin"] > 0)
            for case in suite["results"]}
    changes = suite.get("changes", {"margin": {"gained": [], "lost": []}})["margin"]
    assert {change["term"] for change in changes["gained"]} == {term for term, won in wins.items() if won == (False, True)}
    assert {change["term"] for change in changes["lost"]} == {term for term, won in wins.items() if won == (True, False)}


@pytest.mark.parametrize("text, arguments, message", [
    ('{"query": "x", "choices": ["a"], "answer": 0}', ["--choices"], "questions.jsonl:1: choices: expected a list"),
    ('{"query": "x", "choices": ["a", "b"], "answer": 5}', ["--choices"], "answer: 5 is neither one of the choices"),
    ("", ["--choices"], "questions.jsonl"),
    ('{"term": "risk-999", "prompt": "x", "completion": "y"}', ["--glossary", GLOSSARY, "--terms"],
     "questions.jsonl:1: term: 'risk-999' is no id"),
    ('{"term": "risk-001", "prompt": "x", "completion": "y"}', ["--terms"], "holds questions, not a glossary"),
])
def test_a_file_that_is_none_is_named_with_its_line(model, tmp_path, text, arguments, message):
    path = tmp_path / "questions.jsonl"
    path.write_text(text + "\n" if text else "", encoding="utf-8")
    result = evaluate(model, *arguments, path, check=False)
    assert result.returncode == 3, result.stderr
    assert message in result.stderr
