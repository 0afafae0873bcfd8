"""Multiple choice by the rules of lm-evaluation-harness 0.4.13, on a model of transformers: which tokens are the
choice's (`_encode_pair`), what their log-likelihood is, and what acc, acc_norm and acc_bytes divide it by. The whole
harness was run by hand on the same items; docs/numbers.md has what came of it."""

import json

import numpy
import pytest
import torch
from lore_program import REPOSITORY, run

QUESTIONS = REPOSITORY / "data-samples" / "controls.choices.jsonl"


def log_likelihood(model, tokenizer, context, continuation):
    """(log-likelihood, tokens) of a continuation."""
    spaces = len(context) - len(context.rstrip())
    if spaces:
        context, continuation = context[:-spaces], context[-spaces:] + continuation
    adds = not context.startswith(tokenizer.bos_token)
    whole = tokenizer(context + continuation, add_special_tokens=adds)["input_ids"]
    first = len(tokenizer(context, add_special_tokens=adds)["input_ids"])
    with torch.no_grad():
        scores = model(torch.tensor([whole])).logits[0].double().log_softmax(-1)[first - 1 : -1]
    return scores.gather(1, torch.tensor(whole[first:])[:, None]).sum().item(), len(whole) - first


def rows_of(form):
    for line in QUESTIONS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if form == "messages":
            question = row.pop("query").split("\n")[0]
            row.pop("delimiter", None)
            row["messages"] = [{"role": "user", "content": question}]
        elif form == "spaced":
            row["query"] += " "
            row["delimiter"] = ""
        yield row


@pytest.mark.parametrize("form", ["query", "spaced", "messages"])
def test_choices_are_scored_as_lm_evaluation_harness_scores_them(small_model, tmp_path, form):
    folder, model, tokenizer = small_model
    rows = list(rows_of(form))
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = json.loads(run("lore", "evaluate", "--base", folder, "--dtype", "float32", "--choices", f"own={path}",
                            "--json").stdout)
    suite = result["suites"]["own"]
    right = {name: [] for name in ("accuracy", "accuracy_norm", "accuracy_bytes", "accuracy_tokens")}
    for row, case in zip(rows, suite["results"], strict=True):
        if form == "messages":
            context = tokenizer.apply_chat_template(row["messages"], tokenize=False, add_generation_prompt=True)
        else:
            context = row["query"]
        delimiter = row.get("delimiter", "" if form == "messages" else " ")
        scored = [log_likelihood(model, tokenizer, context, delimiter + choice) for choice in row["choices"]]
        likelihoods = numpy.array([score for score, _ in scored])
        ours = case["detail"]["choices"]
        assert [choice["log_probability"] for choice in ours] == pytest.approx(likelihoods, abs=2e-4)
        assert [choice["tokens"] for choice in ours] == [tokens for _, tokens in scored]
        lengths = {"accuracy": numpy.ones(len(scored)),
                   "accuracy_norm": numpy.array([len(choice) for choice in row["choices"]]),
                   "accuracy_bytes": numpy.array([len(choice.encode()) for choice in row["choices"]]),
                   "accuracy_tokens": numpy.array([tokens for _, tokens in scored])}
        for name, length in lengths.items():
            right[name].append(float(numpy.argmax(likelihoods / length) == row["answer"]))
            assert case["values"][name] == right[name][-1]
    for name, values in right.items():
        assert result["metrics"][f"own.{name}"] == pytest.approx(sum(values) / len(values))
    assert 0 < sum(right["accuracy"]) < len(rows)
    assert suite["groups"]["language"]["zh"]["cases"] == 20
