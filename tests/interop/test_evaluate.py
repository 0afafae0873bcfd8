"""`lore evaluate` beside transformers: loss and perplexity of long texts by sliding windows, and of rows."""

import json
import math

import pytest
import torch
from lore_program import REPOSITORY, run
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXT = (REPOSITORY / "data-samples" / "README.md", REPOSITORY / "docs" / "extract.md")


def sliding_loss(model, ids, max_length, stride):
    """Sum of -log p and number of scored tokens: each token once, with the context of its window."""
    total, count, seen = 0.0, 0, 0
    for first in range(0, len(ids), stride):
        end = min(first + max_length, len(ids))
        window = torch.tensor([ids[first:end]])
        labels = window.clone()
        labels[:, : -(end - seen)] = -100
        if (labels[:, 1:] != -100).any():
            with torch.no_grad():
                logits = model(window).logits[:, :-1].double()
            losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels[:, 1:], reduction="sum")
            total += losses.item()
            count += int((labels[:, 1:] != -100).sum())
        seen = end
        if end == len(ids):
            break
    return total, count


@pytest.mark.parametrize("max_length, stride", [(256, 128), (512, 512)])
def test_texts_have_the_perplexity_of_transformers(smollm2_chat_folder, smollm2, max_length, stride):
    tokenizer = AutoTokenizer.from_pretrained(smollm2_chat_folder)
    arguments = [word for path in TEXT for word in ("--data", path)]
    result = json.loads(run("lore", "evaluate", "--base", smollm2_chat_folder, "--dtype", "float32", *arguments,
                            "--max-length", max_length, "--stride", stride, "--json").stdout)
    total, count = 0.0, 0
    for path in TEXT:
        text = path.read_text(encoding="utf-8")
        loss, tokens = sliding_loss(smollm2, tokenizer(text)["input_ids"], max_length, stride)
        ours = result["files"][str(path)]
        assert ours["tokens"] == tokens
        assert ours["loss"] == pytest.approx(loss / tokens, rel=1e-5)
        assert ours["perplexity"] == pytest.approx(math.exp(loss / tokens), rel=5e-5)
        assert ours["byte_perplexity"] == pytest.approx(math.exp(loss / len(text.encode())), rel=5e-5)
        assert ours["word_perplexity"] == pytest.approx(math.exp(loss / len(text.split())), rel=2e-4)
        total, count = total + loss, count + tokens
    assert result["metrics"]["loss"] == pytest.approx(total / count, rel=1e-5)
    assert result["base"] == {} and result["delta"] == {}


def test_rows_and_an_adapter_are_scored_beside_the_base(smollm2_chat_folder, smollm2, tmp_path):
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(3)
    adapted = get_peft_model(smollm2, LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"]))
    with torch.no_grad():
        for key, parameter in adapted.named_parameters():
            if "lora_B" in key:
                parameter.copy_(torch.randn(parameter.shape) * 0.02)
    adapted.save_pretrained(tmp_path / "adapter")
    adapted.unload()
    rows = (REPOSITORY / "data-samples" / "terms.heldout.jsonl").read_text(encoding="utf-8").splitlines()[:12]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"model": {"path": str(smollm2_chat_folder), "dtype": "float32"}, "output_dir": "run",
                                  "data": {"train": [{"path": "rows.jsonl"}], "validation": [{"path": "rows.jsonl"}]}}))
    shown = [json.loads(line) for line in
             run("lore", "preview", recipe, "--validation", "--count", 12, "--json").stdout.splitlines()]
    result = json.loads(run("lore", "evaluate", recipe, "--adapter", tmp_path / "adapter", "--json",
                            "--gate", "delta.loss < 1").stdout)

    def loss(module):
        total, count = 0.0, 0
        for row in shown:
            with torch.no_grad():
                logits = module(torch.tensor([row["input_ids"]])).logits[0, :-1].double()
            labels = torch.tensor(row["labels"])[1:]
            total += torch.nn.functional.cross_entropy(logits, labels, reduction="sum").item()
            count += int((labels != -100).sum())
        return total / count

    base = AutoModelForCausalLM.from_pretrained(smollm2_chat_folder, dtype=torch.float32).eval()
    assert result["base"]["loss"] == pytest.approx(loss(base), rel=1e-5)
    assert result["metrics"]["loss"] == pytest.approx(loss(PeftModel.from_pretrained(base, tmp_path / "adapter")),
                                                      rel=1e-5)
    assert result["delta"]["loss"] == pytest.approx(result["metrics"]["loss"] - result["base"]["loss"])
    assert result["gates"] == [{"gate": "delta.loss < 1", "value": result["delta"]["loss"], "passed": True}]
