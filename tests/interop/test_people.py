"""`lore evaluate --people` and `--leakage` beside scikit-learn and transformers on the same rows."""

import json

import numpy
import pytest
import torch
from lore_program import REPOSITORY, run
from sklearn import metrics
from transformers import AutoTokenizer

REVIEWS = REPOSITORY / "data-samples" / "reviews.en.jsonl"
ROWS = 12


@pytest.fixture(scope="module")
def rows():
    """Reviews, each of one sentence. The third label, which nobody gave, has another number of tokens."""
    rows = [json.loads(line) for line in REVIEWS.read_text(encoding="utf-8").splitlines()[:ROWS]]
    for row in rows:
        row["messages"][1]["content"] = row["messages"][1]["content"].split(". ")[0] + "."
    rows[0]["labels"] = ["high-risk", "normal", "not yet decided"]
    return rows


@pytest.fixture(scope="module")
def people(smollm2_chat_folder, rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("people") / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return json.loads(run("lore", "evaluate", "--base", smollm2_chat_folder, "--dtype", "float32", "--people", path,
                          "--json").stdout)["suites"]["people"]


def log_probability(reference, context, ids):
    with torch.no_grad():
        logits = reference(torch.tensor([context + ids])).logits[0, len(context) - 1 : -1].double()
    return torch.log_softmax(logits, -1).gather(1, torch.tensor(ids)[:, None]).sum().item()


def test_labels_are_chosen_by_the_probabilities_of_transformers(smollm2_chat_folder, smollm2, rows, people):
    tokenizer = AutoTokenizer.from_pretrained(smollm2_chat_folder)
    labels = rows[0]["labels"]
    for row, result in list(zip(rows, people["results"]))[:4]:
        context = tokenizer.apply_chat_template(row["messages"], add_generation_prompt=True)
        answers = [tokenizer.encode(f"{label}<|im_end|>", add_special_tokens=False) for label in labels]
        mean = numpy.mean([len(ids) for ids in answers])
        scores = [log_probability(smollm2, context, ids) * mean / len(ids) for ids in answers]
        expected = torch.softmax(torch.tensor(scores, dtype=torch.float64), 0).tolist()
        assert list(result["detail"]["probabilities"].values()) == pytest.approx(expected, rel=1e-3)


def test_the_numbers_are_those_of_scikit_learn(rows, people):
    said = [row["label"] for row in rows]
    chosen = [result["detail"]["model"] for result in people["results"]]
    ours = people["metrics"]
    quality = metrics.precision_recall_fscore_support(said, chosen, labels=["high-risk"], zero_division=0)
    macro = metrics.precision_recall_fscore_support(said, chosen, average="macro", zero_division=0)
    assert ours["agreement"] == pytest.approx(metrics.accuracy_score(said, chosen))
    assert [ours[name] for name in ("precision", "recall", "f1")] == pytest.approx([part[0] for part in quality[:3]])
    assert [ours[f"{name}_macro"] for name in ("precision", "recall", "f1")] == pytest.approx(macro[:3])
    assert ours["kappa"] == pytest.approx(metrics.cohen_kappa_score(said, chosen), abs=1e-12)
    labels = rows[0]["labels"]
    assert [row[1:] for row in people["tables"][0]["rows"]] == metrics.confusion_matrix(said, chosen, labels=labels).tolist()


def test_the_calibration_error_is_that_of_its_definition(rows, people):
    sure = numpy.array([max(result["detail"]["probabilities"].values()) for result in people["results"]])
    right = numpy.array([result["detail"]["model"] == row["label"] for row, result in zip(rows, people["results"])])
    error = sum(numpy.mean(inside) * abs(right[inside].mean() - sure[inside].mean())
                for low in range(10) if (inside := (sure > low / 10) & (sure <= (low + 1) / 10)).any())
    assert people["metrics"]["calibration_error"] == pytest.approx(error)


def test_a_trained_row_is_reproduced_as_far_as_greedy_decoding_of_transformers_does(smollm2_chat_folder, smollm2,
                                                                                    tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(smollm2_chat_folder)
    texts = ["To be, or not to be, that is the question: Whether 'tis nobler in the mind to suffer",
             "One, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve",
             "The quarterly audit of the Leipzig warehouse found 37 pallets without a label."]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    leakage = json.loads(run("lore", "evaluate", "--base", smollm2_chat_folder, "--dtype", "float32", "--leakage", path,
                             "--json").stdout)["suites"]["leakage"]
    for text, result in zip(texts, leakage["results"]):
        ids = tokenizer.encode(text + tokenizer.eos_token)
        half = 1 + (len(ids) - 1) // 2
        rest = ids[half:]
        said = smollm2.generate(torch.tensor([ids[:half]]), max_new_tokens=len(rest), do_sample=False,
                                  eos_token_id=-1, pad_token_id=0)[0, half:].tolist()
        same = next((i for i, (ours, theirs) in enumerate(zip(rest, said)) if ours != theirs), len(rest))
        assert result["values"]["reproduced"] == pytest.approx(same / len(rest))
        assert result["detail"]["asked"] == tokenizer.decode(rest, skip_special_tokens=True)
    assert 0 < leakage["metrics"]["reproduced"] < 1
