"""`lore evaluate` as a program: gates and their exit codes, the report, and what it refuses."""

import json
import stat
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
    dtype = [] if "--dtype" in arguments else ["--dtype", "float32"]
    return run("lore", "evaluate", "--base", model, *dtype, *arguments, check=check)


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


def test_a_gate_may_name_a_file(model, text, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("zq xj vk wq " * 40, encoding="utf-8")
    gates = ["perplexity[file=other.txt] > 0", f"loss[file={text}] > 0", "loss[file=*] > 0", "loss[file=no.txt] > 0"]
    result = evaluate(model, "--data", text, "--data", other, *[word for gate in gates for word in ("--gate", gate)],
                      "--json", check=False)
    printed = json.loads(result.stdout)
    assert [gate["passed"] for gate in printed["gates"]] == [True, True, True, False]
    assert printed["gates"][0]["value"] == printed["files"][str(other)]["perplexity"]
    assert printed["gates"][2]["value"] == min(file["loss"] for file in printed["files"].values())
    assert printed["gates"][2]["group"] in ("handbook.txt", "other.txt", str(text), str(other))


def test_gates_against_the_adapter_now_deployed(model, text, tmp_path):
    evaluate(model, "--data", text, "--report", tmp_path / "deployed")
    report = tmp_path / "deployed" / "report.json"
    before = json.loads(report.read_text())
    assert evaluate(model, "--data", text, "--baseline", report, "--gate", "vs_baseline.loss == 0", "--gate",
                    f"baseline.loss == {before['metrics']['loss']!r}").returncode == 0
    before["metrics"]["loss"] -= 1  # a report of a model that was better
    report.write_text(json.dumps(before))
    result = evaluate(model, "--data", text, "--baseline", report, "--gate", "loss.vs_baseline <= 0", "--report",
                      tmp_path / "now", check=False)
    assert result.returncode == 4 and "now deployed" in result.stdout
    now = json.loads((tmp_path / "now" / "report.json").read_text())
    assert now["baseline"]["vs_baseline"]["loss"] == pytest.approx(1)
    assert now["gates"] == [{"gate": "loss.vs_baseline <= 0", "value": pytest.approx(1), "passed": False}]


def test_a_baseline_of_other_questions_is_refused_and_which_is_said(model, text, tmp_path):
    evaluate(model, "--data", text, "--report", tmp_path / "deployed")
    report = tmp_path / "deployed" / "report.json"
    result = evaluate(model, "--data", text, "--max-length", "64", "--baseline", report, check=False)
    assert result.returncode == 4 and "report.json: was made of other questions" in result.stderr
    assert "handbook.txt" in result.stderr
    text.write_text(text.read_text(encoding="utf-8") + "One line more.\n", encoding="utf-8")
    assert evaluate(model, "--data", text, "--baseline", report, check=False).returncode == 4
    report.write_text('{"metrics": {}}')
    result = evaluate(model, "--data", text, "--baseline", report, check=False)
    assert result.returncode == 3 and "is not a report.json" in result.stderr


def test_what_the_base_gave_is_kept_for_its_owner_and_found_again(model, text, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = json.loads(evaluate(model, "--data", text, "--json").stdout)
    second = json.loads(evaluate(model, "--data", text, "--json").stdout)
    assert (first["reused_results"], second["reused_results"]) == (0, 1)
    assert second["metrics"] == first["metrics"] and second["tokens_per_second"] is None
    kept = sorted((tmp_path / "cache" / "lore" / "tokens").glob("*.memo"), key=lambda path: path.stat().st_mtime)[-1]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    other = [["--no-cache"], ["--threads", "1"], ["--batch-tokens", "512"], ["--max-length", "64"],
             ["--dtype", "bfloat16"]]
    for arguments in other:
        again = json.loads(evaluate(model, "--data", text, *arguments, "--json").stdout)
        assert again["reused_results"] == 0, arguments
    kept.write_bytes(kept.read_bytes()[:-3] + b"abc")
    damaged = json.loads(evaluate(model, "--data", text, "--json").stdout)
    assert damaged["reused_results"] == 0 and damaged["metrics"] == first["metrics"]


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
