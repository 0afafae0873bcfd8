"""Models whose weights stay quantized: `lore generate`, `lore evaluate` and `lore train` on them, and the latency report."""

import json

import pytest
from lore_program import REPOSITORY, SMOLLM2, run

USAGE, REFUSED = 2, 4
QUESTION = "What is a risk-control threshold?"


def answer(*arguments, check=True):
    return run("lore", "generate", "--base", SMOLLM2, "--prompt", QUESTION, "--max-new-tokens", "12", "--json",
               *arguments, check=check)


def test_a_gguf_model_answers_from_its_blocks_as_from_their_numbers():
    stored, exact, nf4 = (json.loads(answer(*given).stdout)["text"] for given in
                          ([], ["--quantization", "none"], ["--quantization", "nf4"]))
    # Activations of 8 bits may turn a near tie later on, and the 4 bits of NF4 any.
    assert stored.split()[:4] == exact.split()[:4]
    assert nf4.strip()


def test_latency_is_reported_and_held_to_a_budget():
    lines = answer("--latency-budget", "100s", "--prompt", "And churn?").stdout.splitlines()
    answers, report = [json.loads(line) for line in lines[:-1]], json.loads(lines[-1])["latency"]
    assert report["model"] == "base" and report["answers"] == len(answers) == 2
    assert report["tokens"] >= sum(given["new_tokens"] for given in answers)
    for times in (report["to_first_token_seconds"], report["per_token_seconds"]):
        assert 0 < times["p50"] <= times["p95"] <= times["p99"]
    firsts = sorted(given["first_token_seconds"] for given in answers)
    assert report["to_first_token_seconds"] == {"p50": firsts[0], "p95": firsts[1], "p99": firsts[1]}
    assert report["budget_seconds"] == 100 and report["passed"]

    late = answer("--latency-budget", "0.001ms", check=False)
    assert late.returncode == REFUSED and not json.loads(late.stdout.splitlines()[-1])["latency"]["passed"]

    text = run("lore", "generate", "--base", SMOLLM2, "--prompt", QUESTION, "--max-new-tokens", "3", "--latency").stdout
    assert "latency of base: 1 answers, 3 tokens" in text and "to the first token  p50" in text


@pytest.mark.parametrize("budget", ["soon", "-1s", "0", "10 minutes", "nan"])
def test_a_budget_that_is_no_time_is_a_usage_error(budget):
    refused = answer(f"--latency-budget={budget}", check=False)
    assert refused.returncode == USAGE and "give one as 100ms or 0.1s" in refused.stderr and not refused.stdout


def test_evaluation_says_how_weights_are_held_and_is_the_same_from_stored_blocks(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text((REPOSITORY / "data-samples" / "README.md").read_text(encoding="utf-8")[:1500], encoding="utf-8")

    def perplexity(*form):
        report = json.loads(run("lore", "evaluate", "--base", SMOLLM2, "--data", text, "--dtype", "float32", "--json", *form).stdout)
        return report["dtype"], report["metrics"]["perplexity"]

    dtype, exact = perplexity()
    assert dtype == "float32"
    # Many tokens at once meet the decoded numbers: nothing is rounded.
    assert perplexity("--quantization", "stored") == ("float32, weights as stored", exact)
    dtype, int8 = perplexity("--quantization", "int8")
    assert dtype == "float32, weights int8" and int8 == pytest.approx(exact, rel=0.02) and int8 != exact
    assert perplexity("--quantization", "nf4")[1] == pytest.approx(exact, rel=0.25)


@pytest.mark.parametrize(("form", "share"), [("int8", 0.54), ("int4", 0.42), ("nf4", 0.42)])
def test_an_adapter_is_trained_on_a_quantized_base(form, share, recipe, model):
    result = json.loads(run("lore", "train", recipe, "--set", f"model.quantization={form}", "--json").stdout)
    assert result["last_validation_loss"] < result["first_validation_loss"]
    folder = recipe.parent / "run"
    facts = json.loads((folder / "run.json").read_text())
    assert facts["dtype"] == f"float32, weights {form}"
    # Of what bfloat16 takes. Nearly all of the small model is embeddings, which have 6 bits beside the 4 of the rest.
    parameters = (model / "model.safetensors").stat().st_size / 4
    assert facts["weight_bytes"] < share * 2 * parameters
    # The adapter stays beside the quantized base.
    printed = run("lore", "generate", "--base", model, "--adapter", folder / "adapter", "--quantization", form,
                  "--prompt", "risk", "--max-new-tokens", "3", "--json").stdout
    assert json.loads(printed)["model"] == "adapter"
    again = json.loads(run("lore", "train", recipe, "--set", f"model.quantization={form}", "--output",
                           recipe.parent / "again", "--threads", "1", "--json").stdout)
    assert again["last_validation_loss"] == pytest.approx(result["last_validation_loss"], rel=1e-4)


def test_what_cannot_be_quantized_is_refused_in_a_line(recipe):
    head = run("lore", "train", recipe, "--set", "model.quantization=nf4", "--set", "adapter.target_modules=[q_proj, lm_head]",
               check=False)
    assert head.returncode == USAGE
    assert "model.quantization: quantizes model.embed_tokens and lm_head, which the adapter is to change" in head.stderr
    unknown = run("lore", "train", recipe, "--set", "model.quantization=nf5", check=False)
    assert unknown.returncode == USAGE and "nf4" in unknown.stderr
