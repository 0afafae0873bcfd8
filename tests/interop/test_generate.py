"""Generation beside transformers: the same greedy answers, batched, and the same distributions to sample from."""

import json
import os

import families
import pytest
import torch
from lore_program import REPOSITORY, SMOLLM2, run
from safetensors.torch import save_file
from transformers import AutoTokenizer
from transformers.generation.logits_process import (LogitsProcessorList, MinPLogitsWarper,
                                                    RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper,
                                                    TopKLogitsWarper, TopPLogitsWarper)

PROMPTS = int(os.environ.get("LORE_GENERATE_PROMPTS", 8))  # 200 by hand
NEW_TOKENS = int(os.environ.get("LORE_GENERATE_TOKENS", 12))


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name)


def by_lore(mode, folder, **request):
    (folder / "input.json").write_text(json.dumps(request))
    run("generation_probe", mode, folder / "input.json", folder / "out.json")
    return json.loads((folder / "out.json").read_text())


def answers_of_lore(model, prompts, max_new_tokens, stop_ids, folder, adapter=None):
    return by_lore("answers", folder, model=str(model), adapter=str(adapter or ""), prompts=prompts,
                   max_new_tokens=max_new_tokens, stop_ids=stop_ids)


def answer_of_transformers(model, prompt, max_new_tokens, stop_ids):
    ids = torch.tensor([prompt])
    with torch.no_grad():
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=max_new_tokens, do_sample=False,
                             eos_token_id=stop_ids or None, pad_token_id=0)
    answer = out[0, len(prompt):].tolist()
    return answer[:-1] if answer and answer[-1] in stop_ids else answer


def sample_prompts(tokenizer, count):
    """Questions of the sample data as chats, a few of them long ones, and the beginnings of raw text."""
    questions = []
    for name in ("terms.heldout.jsonl", "controls.jsonl"):
        for line in (REPOSITORY / "data-samples" / name).read_text(encoding="utf-8").splitlines():
            questions.append(json.loads(line)["messages"][0]["content"])
    readme = (REPOSITORY / "data-samples" / "README.md").read_text(encoding="utf-8")
    prompts = []
    for i in range(count):
        question = questions[i * 7 % len(questions)]
        if i % 8 == 3:
            question = readme[: 200 + 100 * (i % 5)] + "\n\n" + question
        if i % 8 == 5:
            prompts.append(tokenizer(question)["input_ids"])
        else:
            prompts.append(tokenizer.apply_chat_template([{"role": "user", "content": question}],
                                                         add_generation_prompt=True))
    return prompts


def test_greedy_answers_in_a_batch_are_those_of_transformers_one_at_a_time(smollm2_folder, smollm2, tokenizer,
                                                                           tmp_path):
    prompts = sample_prompts(tokenizer, PROMPTS)
    stop_ids = [tokenizer.eos_token_id]
    ours = answers_of_lore(smollm2_folder, prompts, NEW_TOKENS, stop_ids, tmp_path)
    for prompt, answer in zip(prompts, ours, strict=True):
        assert answer == answer_of_transformers(smollm2, prompt, NEW_TOKENS, stop_ids)


@pytest.mark.parametrize("name", ["llama-3.1", "llama-3.2-tied", "tinyllama", "mistral", "qwen2-window", "qwen3",
                                  "rope-dynamic"])
def test_greedy_answers_of_other_families_are_those_of_transformers(name, tmp_path):
    reference = families.make(name, tmp_path / "model")
    torch.manual_seed(1)
    prompts = [torch.randint(0, 320, (length,)).tolist() for length in (1, 5, 40, 20)]
    ours = answers_of_lore(tmp_path / "model", prompts, 12, [], tmp_path)
    assert ours == [answer_of_transformers(reference, prompt, 12, []) for prompt in prompts]


def test_an_adapter_answers_as_in_peft(tmp_path):
    reference = families.make("llama-3.2-tied", tmp_path / "model")
    adapted = families.random_adapter(reference, tmp_path / "adapter", 0.1, r=4, target_modules=["q_proj", "v_proj"])
    torch.manual_seed(1)
    prompts = [torch.randint(0, 320, (length,)).tolist() for length in (7, 30)]
    ours = answers_of_lore(tmp_path / "model", prompts, 12, [], tmp_path, tmp_path / "adapter")
    assert ours == [answer_of_transformers(adapted, prompt, 12, []) for prompt in prompts]


def processors(case):
    """In the order in which `generate` of transformers applies them."""
    chain = LogitsProcessorList()
    if case["repetition_penalty"] != 1.0:
        chain.append(RepetitionPenaltyLogitsProcessor(case["repetition_penalty"]))
    if case["temperature"] != 1.0:
        chain.append(TemperatureLogitsWarper(case["temperature"]))
    if case["top_k"] != 0:
        chain.append(TopKLogitsWarper(case["top_k"]))
    if case["top_p"] < 1.0:
        chain.append(TopPLogitsWarper(case["top_p"]))
    if case["min_p"] > 0.0:
        chain.append(MinPLogitsWarper(case["min_p"]))
    return chain


def test_the_distributions_that_are_sampled_are_those_of_transformers(smollm2, tokenizer, tmp_path):
    ids = tokenizer((REPOSITORY / "data-samples" / "README.md").read_text(encoding="utf-8"))["input_ids"][:96]
    with torch.no_grad():
        logits = smollm2(torch.tensor([ids])).logits[0, ::8].float().contiguous()
    save_file({"logits": logits}, tmp_path / "logits.safetensors")
    chosen = [  # temperature, top_k, top_p, min_p, repetition_penalty
        (1.0, 0, 1.0, 0.0, 1.0), (0.7, 0, 1.0, 0.0, 1.0), (1.0, 50, 1.0, 0.0, 1.0), (1.0, 0, 0.9, 0.0, 1.0),
        (1.0, 0, 1.0, 0.05, 1.0), (1.0, 0, 1.0, 0.0, 1.3), (0.8, 40, 0.95, 0.02, 1.1), (1.5, 0, 0.99, 0.0, 0.8),
        (0.1, 5, 0.5, 0.3, 1.2), (2.0, 1000, 0.999, 0.001, 1.05), (3.0, 0, 0.999, 0.0, 1.0)]
    cases = [dict(zip(("temperature", "top_k", "top_p", "min_p", "repetition_penalty"), settings, strict=True),
                  row=row, seen=ids[: 8 * row + 1]) for settings in chosen for row in range(len(logits))]
    distributions = by_lore("candidates", tmp_path, logits=str(tmp_path / "logits.safetensors"), cases=cases)
    for case, ours in zip(cases, distributions, strict=True):
        scores = processors(case)(torch.tensor([case["seen"]]), logits[case["row"]][None].clone())[0]
        expected = scores.double().softmax(0)
        kept = torch.isfinite(scores).nonzero().flatten().tolist()
        # Of a wide distribution's tail, the float32 sums of transformers keep or leave a token more.
        differing = set(kept) ^ set(ours["ids"])
        assert expected[list(differing)].sum() < 1e-5 and len(differing) <= len(kept) // 1000, case
        probabilities = torch.zeros(len(scores), dtype=torch.double)
        probabilities[ours["ids"]] = torch.tensor(ours["probabilities"], dtype=torch.double)
        torch.testing.assert_close(probabilities, expected, rtol=1e-4, atol=1e-5)
