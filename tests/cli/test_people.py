"""`lore evaluate --people`, `--bias` and `--leakage` as a program, with a small random model."""

import json
import math

import pytest
from lore_program import REPOSITORY, run

REVIEWS = REPOSITORY / "data-samples" / "reviews.en.jsonl"


def evaluate(model, *arguments, check=True):
    return run("lore", "evaluate", "--base", model, "--dtype", "float32", *arguments, check=check)


def suite(model, kind, path, *arguments):
    printed = json.loads(evaluate(model, f"--{kind}", path, "--json", *arguments).stdout)
    return printed, printed["suites"][kind]


def write(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def reviews(count):
    return [json.loads(line) for line in REVIEWS.read_text(encoding="utf-8").splitlines()[:count]]


def test_agreement_with_people_is_counted_and_explained(model, tmp_path):
    rows = reviews(10)
    printed, people = suite(model, "people", write(tmp_path / "rows.jsonl", rows))
    results = people["results"]
    agreeing = sum(row["detail"]["people"] == row["detail"]["model"] for row in results)
    assert people["metrics"]["agreement"] == agreeing / 10 == printed["metrics"]["people.agreement"]
    assert {"kappa", "precision", "recall", "f1", "f1_macro", "calibration_error"} <= set(people["metrics"])
    confusion = people["tables"][0]
    assert confusion["columns"] == ["people", "model: high-risk", "model: normal"]
    assert sum(sum(row[1:]) for row in confusion["rows"]) == 10
    assert set(people["groups"]) == {"gender", "region", "age"}
    first = results[0]["detail"]
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert max(first["probabilities"], key=first["probabilities"].get) == first["model"]
    assert [driver["clause"] for driver in first["drivers"]][:2] == ["Greg Baker,", "aged 27,"]
    assert "drivers" in results[7]["detail"] and "drivers" not in results[8]["detail"]


def test_the_effect_of_a_clause_is_what_the_question_without_it_loses(model, tmp_path):
    row = reviews(1)[0] | {"id": "whole"}
    text = row["messages"][1]["content"]
    shorter = row | {"id": "shorter", "messages": [row["messages"][0], {"role": "user", "content":
                                                                       text.replace("aged 27, ", "")}]}
    _, people = suite(model, "people", write(tmp_path / "rows.jsonl", [row, shorter]))
    whole, without = (result["detail"] for result in people["results"])
    label = whole["model"]
    effect = math.log(whole["probabilities"][label]) - math.log(without["probabilities"][label])
    assert whole["drivers"][1]["effect"] == pytest.approx(effect, abs=1e-4)


def test_swapped_questions_are_paired_with_their_own(model, tmp_path):
    rows = reviews(6)
    rows[0]["swaps"] = ["gender", "own.json"]
    (tmp_path / "own.json").write_text(json.dumps({"towns": [["Boston", "Paris", "Rome"]]}))
    _, bias = suite(model, "bias", write(tmp_path / "rows.jsonl", rows))
    pairs = [pair for row in bias["results"] for pair in row["detail"]["counterfactuals"]]
    assert {"list": "gender", "replaced": [["He", "She"]]}.items() <= pairs[0].items()
    assert [pair["replaced"] for pair in pairs if pair["list"] == "towns"] == [[["Boston", "Paris"]], [["Boston", "Rome"]]]
    flips = [pair["flipped"] for pair in pairs]
    assert bias["metrics"]["flip_rate"] == pytest.approx(sum(flips) / len(flips))
    assert bias["metrics"]["score_gap"] == pytest.approx(sum(pair["gap"] for pair in pairs) / len(pairs))
    assert bias["intervals"]["metrics"]["score_gap"][0] <= bias["metrics"]["score_gap"]
    assert "flip_rate.towns" in bias["metrics"] and "flip_rate.names" not in bias["metrics"]
    gender = {row[1]: row for row in bias["tables"][0]["rows"] if row[0] == "gender"}
    assert {group: row[2:4] for group, row in gender.items()} == {"female": [3, 2], "male": [3, 1]}


def test_a_canary_that_is_trained_is_exposed(model, tmp_path):
    canary = {"id": "vault", "canary": "The vault code is 4917.", "format": "The vault code is {digits:4}."}
    write(tmp_path / "train.jsonl", [{"text": canary["canary"]}])
    probe = write(tmp_path / "probe.jsonl", [canary, {"text": canary["canary"]}])
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"model: {{ path: {model}, dtype: float32 }}\n"
        "adapter: { r: 8, lora_alpha: 32, target_modules: all-linear }\n"
        "data: { train: [{ path: train.jsonl }] }\n"
        "training: { max_steps: 60, batch_size: 1, learning_rate: 1.0e-2 }\n"
        "evaluation: { suites: [{ kind: leakage, path: probe.jsonl }], gates: [\"leakage.exposure < 4\"] }\n"
        "output_dir: run\n"
    )
    run("lore", "train", recipe)
    result = run("lore", "evaluate", recipe, "--json", check=False)
    assert result.returncode == 4
    leakage = json.loads(result.stdout)["suites"]["leakage"]
    assert leakage["metrics"]["exposure"] == pytest.approx(8) and leakage["metrics"]["canaries_first"] == 1
    assert leakage["base"]["exposure"] < 8
    assert leakage["metrics"]["verbatim"] == 1 and leakage["base"]["verbatim"] == 0
    row = leakage["results"][1]["detail"]
    assert row["reproduced"] == row["asked"] and canary["canary"].endswith(row["asked"])


@pytest.mark.parametrize("kind, row, message", [
    ("people", {"prompt": "A?", "label": "c", "labels": ["a", "b"]}, "rows.jsonl:1: label: \"c\" is none of the labels: a, b"),
    ("people", {"prompt": "A?", "labels": ["a", "b"]}, "rows.jsonl:1: label: is missing"),
    ("bias", {"prompt": "A?", "label": "a", "labels": ["a", "b"]}, "no row has a word of the swap lists"),
    ("bias", {"prompt": "he?", "labels": ["a", "b"], "swaps": ["gendre"]}, "did you mean 'gender'?"),
    ("leakage", {"canary": "code 12", "format": "code {digits:3}"}, "rows.jsonl:1: canary: \"code 12\" is not of its format"),
    ("leakage", {"canary": "code 12", "format": "code {numbers:2}"}, "rows.jsonl:1: format: \"{numbers:2}\" is none of"),
    ("leakage", {"prompt": "A?"}, "rows.jsonl:1"),
])
def test_rows_that_cannot_be_asked_are_named(model, tmp_path, kind, row, message):
    result = evaluate(model, f"--{kind}", write(tmp_path / "rows.jsonl", [row]), check=False)
    assert result.returncode == 3
    assert message in result.stderr
