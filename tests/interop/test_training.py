"""Whole runs of `lore train` beside PEFT: 50 AdamW steps, accumulation, and the adapter it leaves."""

import json
import math

import families
import pytest
import torch
from lore_program import REPOSITORY, SMOLLM2, run
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, get_scheduler

ROWS = 40


def write_rows(path, rows):
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", encoding="utf-8")


def recipe(folder, **sections):
    path = folder / "recipe.json"
    path.write_text(json.dumps(sections))
    return path


def metrics(folder, kind="train"):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [m for m in map(json.loads, lines) if m["kind"] == kind]


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    """SmolLM2's tokenizer over a small random model of its vocabulary, with chat rows."""
    folder = tmp_path_factory.mktemp("setting")
    tokenizer = AutoTokenizer.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name)
    families.FAMILIES["training"] = ("Llama", dict(families.SIZES, vocab_size=len(tokenizer),
                                                   max_position_embeddings=512, tie_word_embeddings=True))
    base = families.make("training", folder / "model")
    tokenizer.save_pretrained(folder / "model")
    lines = (REPOSITORY / "data-samples" / "terms.train.jsonl").read_text(encoding="utf-8").splitlines()[:ROWS]
    write_rows(folder / "rows.jsonl", map(json.loads, lines))
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=16,
                                            target_modules=["q_proj", "v_proj"]))
    torch.manual_seed(5)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_B" in key:
                parameter.copy_(torch.randn(parameter.shape) * 0.02)
    model.save_pretrained(folder / "adapter")
    return folder


def previewed_examples(recipe_path):
    """What Lore trains on, in file order: (input_ids, labels)."""
    lines = run("lore", "preview", recipe_path, "--json").stdout.splitlines()
    return [(row["input_ids"], row["labels"]) for row in map(json.loads, lines)]


def peft_steps(setting, examples, batch_size, steps, learning_rate, scheduler, warmup):
    """The same steps by PEFT and torch: mean loss over all trained tokens of each step."""
    base = AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32)
    model = PeftModel.from_pretrained(base, setting / "adapter", is_trainable=True).train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01)
    schedule = get_scheduler(scheduler, optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    losses, norms = [], []
    position = 0
    for _ in range(steps):
        batch = examples[position : position + batch_size]
        position = (position + batch_size) % len(examples)
        total, count = torch.zeros(()), 0
        for ids, labels in batch:
            logits = model(torch.tensor([ids])).logits[0]
            target = torch.tensor(labels)[1:]
            total = total + torch.nn.functional.cross_entropy(logits[:-1], target, ignore_index=-100, reduction="sum")
            count += int((target != -100).sum())
        loss = total / count
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, 1.0)))
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses, norms, model


def base_recipe(setting, folder, **training):
    return recipe(folder, model={"path": str(setting / "model"), "dtype": "float32"},
                  adapter={"r": 8, "lora_alpha": 16, "init_from": str(setting / "adapter")},
                  data={"train": [{"path": str(setting / "rows.jsonl")}], "shuffle": False, "max_length": 512},
                  training={"weight_decay": 0.01, **training}, output_dir=str(folder / "run"))


@pytest.mark.parametrize("scheduler, warmup", [("linear", 5), ("cosine", 10)])
def test_fifty_adamw_steps_stay_with_peft(setting, scheduler, warmup, tmp_path):
    path = base_recipe(setting, tmp_path, batch_size=4, max_steps=50, learning_rate=1e-3,
                       lr_scheduler_type=scheduler, warmup_steps=warmup)
    run("lore", "train", path)
    examples = previewed_examples(path)
    assert len(examples) == ROWS
    losses, norms, model = peft_steps(setting, examples, 4, 50, 1e-3, scheduler, warmup)
    ours = metrics(tmp_path / "run")
    assert len(ours) == 50
    mean_difference = sum(abs(m["loss"] - loss) for m, loss in zip(ours, losses)) / 50
    assert mean_difference < 1e-4, mean_difference
    assert abs(ours[0]["loss"] - losses[0]) <= 1e-5 * losses[0]
    assert abs(ours[0]["grad_norm"] - norms[0]) <= 1e-4 * norms[0]
    assert ours[-1]["loss"] < ours[0]["loss"] - 0.05  # it learned something
    # The adapter it leaves is the one PEFT trained, and PEFT loads it.
    base = AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32)
    loaded = PeftModel.from_pretrained(base, tmp_path / "run" / "adapter").eval()
    ids = torch.tensor([examples[0][0]])
    with torch.no_grad():
        assert (loaded(ids).logits - model.eval()(ids).logits).abs().max() < 1e-3
    assert loaded.peft_config["default"].r == 8
    card = json.loads((tmp_path / "run" / "adapter" / "adapter_config.json").read_text())
    assert card["base_model_name_or_path"] == "model"  # a name, not a private path
    assert card["lora_alpha"] == 16 and isinstance(card["lora_alpha"], int)


def test_accumulated_micro_batches_equal_one_batch(setting, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "many").mkdir()
    run("lore", "train", base_recipe(setting, tmp_path / "one", batch_size=8, max_steps=6, learning_rate=1e-3))
    run("lore", "train", base_recipe(setting, tmp_path / "many", batch_size=2, gradient_accumulation_steps=4,
                                     max_steps=6, learning_rate=1e-3))
    for one, many in zip(metrics(tmp_path / "one" / "run"), metrics(tmp_path / "many" / "run"), strict=True):
        assert one["trained_tokens"] == many["trained_tokens"]
        assert math.isclose(one["loss"], many["loss"], rel_tol=1e-5)
        assert math.isclose(one["grad_norm"], many["grad_norm"], rel_tol=1e-4)


def test_packing_trains_on_the_same_tokens_with_the_same_loss(setting, tmp_path):
    (tmp_path / "packed").mkdir()
    (tmp_path / "plain").mkdir()
    whole = {"max_steps": 1, "learning_rate": 1e-3}
    packed = json.loads(base_recipe(setting, tmp_path / "packed", batch_size=100, **whole).read_text())
    packed["data"]["packing"] = True
    run("lore", "train", recipe(tmp_path / "packed", **packed))
    run("lore", "train", base_recipe(setting, tmp_path / "plain", batch_size=100, **whole))
    [packed], [plain] = metrics(tmp_path / "packed" / "run"), metrics(tmp_path / "plain" / "run")
    assert packed["trained_tokens"] == plain["trained_tokens"]
    assert math.isclose(packed["loss"], plain["loss"], rel_tol=1e-5)


def test_the_same_seed_gives_the_same_bytes(setting, tmp_path):
    digests = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run("lore", "train", base_recipe(setting, tmp_path / name, batch_size=4, max_steps=5, seed=11),
            "--set", "adapter.lora_dropout=0.1", "--set", "data.shuffle=true")
        digests.append((tmp_path / name / "run" / "adapter" / "adapter_model.safetensors").read_bytes())
    assert digests[0] == digests[1]


def test_a_fresh_adapter_starts_as_peft_starts_it(setting, tmp_path):
    path = recipe(tmp_path, model={"path": str(setting / "model"), "dtype": "float32"},
                  adapter={"r": 16, "lora_alpha": 32, "lora_dropout": 0.1},
                  data={"train": [{"path": str(setting / "rows.jsonl")}]},
                  training={"max_steps": 1, "learning_rate": 0.0000001}, output_dir=str(tmp_path / "run"))
    run("lore", "train", path)
    from safetensors.torch import load_file

    tensors = load_file(tmp_path / "run" / "adapter" / "adapter_model.safetensors")
    a = tensors["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"]
    bound = 1 / math.sqrt(a.shape[1])
    assert a.shape[0] == 16 and a.abs().max() <= bound + 1e-6 and a.abs().max() > 0.9 * bound
    assert abs(a.std() - bound / math.sqrt(3)) < 0.05 * bound
    assert tensors["base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"].abs().max() < 1e-5


def test_smollm2_loss_equals_transformers_on_held_out_chats(smollm2_folder, tmp_path):
    """The real model, the real tokenizer and template: the loss `lore train` reports before training."""
    path = recipe(tmp_path, model={"path": str(SMOLLM2), "dtype": "float32"},
                  data={"train": [{"path": str(REPOSITORY / "data-samples" / "terms.train.jsonl"), "limit": 4}],
                        "validation": [{"path": str(REPOSITORY / "data-samples" / "terms.heldout.jsonl"),
                                        "limit": 12}]},
                  training={"max_steps": 1}, output_dir=str(tmp_path / "run"))
    run("lore", "train", path)
    tokenizer = AutoTokenizer.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name)
    model = AutoModelForCausalLM.from_pretrained(smollm2_folder, dtype=torch.float32).eval()
    lines = run("lore", "preview", path, "--json", "--validation").stdout.splitlines()
    rows = (REPOSITORY / "data-samples" / "terms.heldout.jsonl").read_text(encoding="utf-8").splitlines()[:12]
    total, count = 0.0, 0
    for shown, row in zip(map(json.loads, lines), map(json.loads, rows), strict=True):
        text = tokenizer.apply_chat_template(row["messages"], tokenize=False)
        assert shown["text"] == text
        labels = torch.tensor(shown["labels"])
        with torch.no_grad():
            logits = model(torch.tensor([shown["input_ids"]])).logits[0]
        total += torch.nn.functional.cross_entropy(logits[:-1], labels[1:], ignore_index=-100, reduction="sum").item()
        count += int((labels[1:] != -100).sum())
        answer = tokenizer.decode([i for i, label in zip(shown["input_ids"], shown["labels"]) if label != -100])
        assert answer == "".join(m["content"] + "<|im_end|>" for m in row["messages"] if m["role"] == "assistant")
    first = metrics(tmp_path / "run", "validation")[0]
    assert first["step"] == 0 and first["trained_tokens"] == count
    assert math.isclose(first["loss"], total / count, rel_tol=1e-5)
