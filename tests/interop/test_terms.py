"""The scores of answers beside sacrebleu and rouge-score, and the margins of terms beside transformers."""

import json
import os
import random
import re
import subprocess

import pytest
import sacrebleu
import torch
from lore_program import REPOSITORY, run
from rouge_score import rouge_scorer

PROBE = os.path.join(os.environ["LORE_BIN"], "scores_probe")
SAMPLES = REPOSITORY / "data-samples"


class Words:
    """rouge-score's own words, and each ideograph as one."""

    def tokenize(self, text):
        return re.findall(r"[a-z0-9]+|[\u3400-\u9fff]", text.lower())


def corpora():
    """Right answers of the samples and the same with words lost, doubled, moved and marked."""
    rows = [json.loads(line) for line in (SAMPLES / "terms.heldout.jsonl").read_text(encoding="utf-8").splitlines()]
    answers = [row["messages"][-1]["content"] for row in rows]
    marks = ["", "", "，", "。", "“", "”", "—", "…", "(3.5%)", "1,000-2", " e-mail", "&amp;", "don't", "\n", "-\n", " ", "\u3000",
             "\u00a0", "①", "é", "😀", "<skipped>", "A/B", "$5", "..", "2019-20", "`x`", "~", "㎡", "𠮷"]
    rng = random.Random(7)
    for count in (1, 1, 1, 2, 5, 20, 60):
        for tokenizer in ("13a", "zh"):
            pairs = []
            for reference in rng.sample([text for text in answers if tokenizer == "zh" or text.isascii()], count):
                pieces = re.findall(r"\w|\W", reference) if tokenizer == "zh" else re.findall(r"\w+|\W", reference)
                for _ in range(rng.randrange(8)):
                    at = rng.randrange(len(pieces))
                    pieces[at : at + rng.randrange(3)] = [rng.choice([*marks, rng.choice(pieces)])]
                pairs.append(["".join(pieces), reference + rng.choice(marks)])
            yield {"tokenizer": tokenizer, "pairs": pairs}
    yield {"tokenizer": "13a", "pairs": [["", "a reference"], ["an answer", "another thing"]]}
    yield {"tokenizer": "zh", "pairs": [["风", "风控阈值"], ["", ""]]}


def test_scores_are_those_of_sacrebleu_and_rouge_score():
    asked = list(corpora())
    done = subprocess.run([PROBE], input="".join(json.dumps(one) + "\n" for one in asked), capture_output=True, text=True,
                          check=True)
    answered = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answered) == len(asked)
    chinese = rouge_scorer.RougeScorer(["rougeL"], tokenizer=Words())
    english = rouge_scorer.RougeScorer(["rougeL"])
    for corpus, ours in zip(asked, answered):
        answers, references = zip(*corpus["pairs"])
        bleu = sacrebleu.corpus_bleu(answers, [references], tokenize=corpus["tokenizer"])
        assert ours["bleu"] == pytest.approx(bleu.score, abs=1e-9)
        assert ours["chrf"] == pytest.approx(sacrebleu.corpus_chrf(answers, [references]).score, abs=1e-9)
        scorer = chinese if corpus["tokenizer"] == "zh" else english
        wanted = [scorer.score(reference, answer)["rougeL"].fmeasure for answer, reference in corpus["pairs"]]
        if corpus["tokenizer"] == "zh" or all(text.isascii() for pair in corpus["pairs"] for text in pair):
            assert ours["rouge_l"] == pytest.approx(wanted, abs=1e-12)


def mean_log_probability(model, context, ids):
    with torch.no_grad():
        logits = model(torch.tensor([context + ids])).logits[0].double()
    scores = logits.log_softmax(-1)[len(context) - 1 : -1]
    return scores.gather(1, torch.tensor(ids)[:, None]).mean().item()


def test_margins_are_those_of_transformers_and_answers_are_judged(small_model, tmp_path):
    folder, model, tokenizer = small_model
    lines = (SAMPLES / "terms.heldout.jsonl").read_text(encoding="utf-8").splitlines()[::3]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = json.loads(run("lore", "evaluate", "--base", folder, "--dtype", "float32", "--terms",
                            tmp_path / "rows.jsonl", "--glossary", SAMPLES / "glossary.jsonl", "--max-new-tokens", 8,
                            "--json").stdout)
    suite = result["suites"]["terms"]
    rows = [json.loads(line) for line in lines]
    terms = {term["id"]: term for term in
             map(json.loads, (SAMPLES / "glossary.jsonl").read_text(encoding="utf-8").splitlines())}
    assert len(suite["results"]) == len(rows)
    compared = 0
    for row, case in list(zip(rows, suite["results"]))[::3]:
        term, language = terms[row["term"]], case["groups"]["language"]
        right = term["term"] if language == "zh" else term["translations"]["en"]
        reference = row["messages"][-1]["content"]
        at = reference.lower().find(right)
        assert at >= 0 and case["groups"]["domain"] == term["domain"]
        capital = str.capitalize if reference[at].isupper() else str
        prompt = tokenizer.apply_chat_template(row["messages"][:-1], tokenize=False, add_generation_prompt=True)
        begun = tokenizer(prompt + reference[:at], add_special_tokens=False)["input_ids"]
        forms = [capital(right), *map(capital, term["forbidden"][language])]
        whole = [tokenizer(prompt + reference[:at] + form, add_special_tokens=False)["input_ids"] for form in forms]
        shared = len(os.path.commonprefix([begun, *whole]))
        scores = [mean_log_probability(model, ids[:shared], ids[shared:]) for ids in whole]
        assert case["values"]["margin"] == pytest.approx(scores[0] - max(scores[1:]), abs=1e-4)
        compared += 1
    assert compared > 20
    # The corpus measures by language are those of the answers in the report.
    for language, tokenize in (("zh", "zh"), ("en", "13a")):
        cases = [case["detail"] for case in suite["results"] if case["groups"]["language"] == language]
        answers, references = [case["answer"] for case in cases], [[case["right answer"] for case in cases]]
        metrics = suite["groups"]["language"][language]["metrics"]
        assert metrics["bleu"] == pytest.approx(sacrebleu.corpus_bleu(answers, references, tokenize=tokenize).score)
        assert metrics["chrf"] == pytest.approx(sacrebleu.corpus_chrf(answers, references).score)
    assert result["metrics"]["terms.margin"] == pytest.approx(
        sum(case["values"]["margin"] for case in suite["results"]) / len(rows))
    directions = {name for case in suite["results"] for name in case["values"] if name.startswith("translation.")}
    assert directions == {"translation.zh_en", "translation.en_zh"}
