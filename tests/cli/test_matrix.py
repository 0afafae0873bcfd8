"""`lore evaluate --matrix`: scenarios by models in one run, with gates, budgets, costs and what a pilot is worth."""

import json

import pytest
from browser import Browser
from lore_program import run

MATRIX = """\
models:
  - name: base
    model: {{ path: {model}, dtype: float32 }}
  - name: trained
    model: {{ path: {model}, dtype: float32 }}
    adapter: run/adapter
  - name: base in bfloat16
    model: {{ path: {model}, dtype: bfloat16 }}
machine: {{ price_per_hour: 3.6, currency: CHF }}
scenarios:
  - name: risk desk
    data: [{{ path: heldout.jsonl }}]
    prompts: prompts.txt
    max_new_tokens: 6
    gates: ["loss > 0", "delta.loss < 1"]
    budget: {{ time_to_first_token: 60, time_per_token: 60, cost_per_thousand_answers: 1.0e-9, peak_memory_gib: 100 }}
    pilot: {{ cases_per_month: 1000, minutes_per_case: 6, automation_share: 0.5, hourly_wage: 60 }}
  - name: handbook
    data: [{{ path: handbook.txt }}]
"""


@pytest.fixture
def matrix(recipe, model):
    run("lore", "train", recipe)
    folder = recipe.parent
    (folder / "prompts.txt").write_text("What is a risk-control threshold?\n\n供应链弹性是什么？\n", encoding="utf-8")
    (folder / "handbook.txt").write_text("A case past the threshold is reviewed.\n" * 30, encoding="utf-8")
    path = folder / "matrix.yaml"
    path.write_text(MATRIX.format(model=model), encoding="utf-8")
    return path


def test_one_run_fills_every_cell(matrix, tmp_path):
    result = run("lore", "evaluate", "--matrix", matrix, "--json", "--report", tmp_path / "report", check=False)
    assert result.returncode == 4, result.stderr  # no model answers for a billionth
    printed = json.loads(result.stdout)
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == printed
    names = ["base", "trained", "base in bfloat16"]
    assert [(cell["scenario"], cell["model"]) for cell in printed["cells"]] == [
        (scenario, model) for scenario in ("risk desk", "handbook") for model in names]
    desk = dict(zip(names, printed["cells"]))
    handbook = dict(zip(names, printed["cells"][3:]))

    alone = json.loads(run("lore", "evaluate", matrix.parent / "recipe.yaml", "--json").stdout)
    assert desk["trained"]["metrics"] == alone["metrics"] and desk["base"]["metrics"] == alone["base"]
    assert desk["trained"]["base"] == alone["base"]
    assert 0 < abs(desk["base in bfloat16"]["metrics"]["loss"] / alone["base"]["loss"] - 1) < 1e-2

    # The base alone has no difference from a base: its gate fails; the trained model's holds.
    assert [gate["passed"] for gate in desk["base"]["gates"]] == [True, False]
    assert [gate["passed"] for gate in desk["trained"]["gates"]] == [True, True]
    times = desk["trained"]["times"]
    assert times["answers"] == 2 and 2 <= times["tokens"] <= 12
    assert 0 < times["to_first_token"]["p50"] <= times["to_first_token"]["p95"] <= times["to_first_token"]["p99"]
    assert times["tokens_per_second"] == pytest.approx(times["tokens"] / times["seconds"])
    assert 50e6 < times["peak_memory_bytes"] < 4e9
    cost = desk["trained"]["cost_per_thousand_answers"]
    assert cost == pytest.approx(times["seconds"] / 2)  # 3.6 an hour is a thousandth a second
    assert [gate["passed"] for gate in desk["trained"]["budget"]] == [True, True, False, True]
    assert desk["trained"]["pilot"] == {"cases": 500, "minutes_saved": 3000, "wages_saved": 3000,
                                        "machine_cost": pytest.approx(cost), "net": pytest.approx(3000 - cost)}
    assert handbook["base"]["times"] is None and handbook["base"]["pilot"] is None and handbook["base"]["passed"]


def test_the_matrix_is_shown_to_people(matrix, tmp_path):
    result = run("lore", "evaluate", "--matrix", matrix, "--report", tmp_path / "report", check=False)
    assert "risk desk" in result.stdout and "first token, p50 / p95 / p99" in result.stdout
    assert "FAILED  risk desk, base: delta.loss < 1 (no base was measured beside an adapter)" in result.stdout
    summary = (tmp_path / "report" / "summary.md").read_text(encoding="utf-8")
    assert "| | base | trained | base in bfloat16 |" in summary and "| a month: wages saved | 3,000 CHF |" in summary
    browser = Browser(tmp_path / "profile")
    browser.open(tmp_path / "report" / "report.html")
    assert browser.texts(".verdict h1") == ["Failed"]
    assert browser.texts("h2") == ["risk desk", "handbook"]
    assert browser.complaints() == []
    browser.close()


@pytest.mark.parametrize("replaced, message", [
    (("price_per_hour: 3.6", "price: 3.6"), "matrix.yaml:9:12: unknown key \"price\" in machine"),
    (("    prompts: prompts.txt", "    prompt: prompts.txt"), "(did you mean \"prompts\"?)"),
    (("name: trained", "name: base"), "model 'base': stands twice in the matrix"),
    (("loss > 0", "loss > many"), "does not end with a number"),
    (("automation_share: 0.5", "automation_share: 50"), "must be at least 0 and at most 1, got 50"),
    (("scenarios:", "scenarios: []\nothers:"), "scenarios must not be empty"),
])
def test_a_mistake_in_the_matrix_is_named_before_anything_is_loaded(tmp_path, replaced, message):
    text = MATRIX.format(model="nowhere")
    assert replaced[0] in text
    path = tmp_path / "matrix.yaml"
    path.write_text(text.replace(*replaced), encoding="utf-8")
    result = run("lore", "evaluate", "--matrix", path, check=False)
    assert result.returncode == 2 and message in result.stderr


def test_a_matrix_takes_the_place_of_a_model_and_its_data(tmp_path):
    result = run("lore", "evaluate", "--matrix", tmp_path / "matrix.yaml", "--data", "x.txt", check=False)
    assert result.returncode == 2 and "--matrix excludes --data" in result.stderr
