"""DoRA, LoRA+, frozen A and the initializations from the base's weights, each beside PEFT."""

import json
import math
import warnings

import families
import pytest
import torch
from lore_program import probe, real_text, run
from peft import LoraConfig, PeftModel, get_peft_model
from peft.optimizers import create_loraplus_optimizer
from safetensors.torch import load_file, save_file
from test_adapters import CASES, peft_loss, trained_segments
from test_merge import IDS, check_against_peft, logits, merge, tensors
from test_training import metrics, previewed_examples, recipe, write_rows
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast


def scattered(model, folder, spread=0.1):
    """Saves `model` with random A and B and magnitudes up to a third away from where they start."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "lora_magnitude_vector" in key:
                parameter.mul_(1 + 0.1 * noise)
            elif "lora_" in key:
                parameter.copy_(noise * spread)
    model.save_pretrained(folder)
    return model.eval()


def dora(base, folder, spread=0.1, **lora):
    return scattered(get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", use_dora=True, **lora)), folder, spread)


def load_without_a_word(base_folder, adapter, **options):
    """PEFT's model of a saved adapter; a warning about missing or unexpected keys is an error."""
    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=options.pop("dtype", torch.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return PeftModel.from_pretrained(base, adapter, **options).eval()


def probe_logits(model, adapter, folder, dtype="float32"):
    _, ours = probe("logits", model, dtype, adapter, trained_segments(), folder)
    return ours["logits"]


@torch.no_grad()
def peft_logits(model):
    return torch.cat([model(torch.tensor([s["ids"]])).logits[0].float() for s in trained_segments()])


@pytest.mark.parametrize("family, case", [*((family, "all-linear") for family in families.FAMILIES),
                                          *(("llama-3.1", case) for case in CASES)])
def test_dora_gives_pefts_logits_and_gradients(family, case, tmp_path):
    model = dora(families.make(family, tmp_path / "model"), tmp_path / "adapter", **CASES[case])
    assert (probe_logits(tmp_path / "model", tmp_path / "adapter", tmp_path) - peft_logits(model)).abs().max() <= 1e-4
    segments = trained_segments()
    loss = peft_loss(model, segments)
    loss.backward()
    ours_loss, ours = probe("gradients", tmp_path / "model", "float32", tmp_path / "adapter", segments, tmp_path)
    assert abs(ours_loss - loss.item()) <= 1e-5 * loss.item()
    theirs = {key.replace(".default", "").replace("magnitude_vector.weight", "magnitude_vector"): p.grad
              for key, p in model.named_parameters() if p.grad is not None}
    assert set(ours) == set(theirs) and any("magnitude" in key for key in ours)
    for key, gradient in theirs.items():
        cosine = torch.nn.functional.cosine_similarity(ours[key].flatten(), gradient.flatten(), dim=0)
        assert cosine >= 0.9999, (key, cosine)
        assert abs(math.log(ours[key].norm() / gradient.norm())) <= 1e-3, key


def test_dora_on_a_bfloat16_base_is_as_near_to_float32_as_peft_is(tmp_path):
    families.make("qwen2", tmp_path / "model")
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.bfloat16)
    base.save_pretrained(tmp_path / "model")
    model = dora(base, tmp_path / "adapter", **CASES["all-linear"])
    exact = peft_logits(load_without_a_word(tmp_path / "model", tmp_path / "adapter"))
    ours = probe_logits(tmp_path / "model", tmp_path / "adapter", tmp_path, "bfloat16")
    assert (ours - exact).norm() <= 1.5 * (peft_logits(model) - exact).norm()


def test_a_magnitude_with_weight_in_its_name_loads(tmp_path):
    model = dora(families.make("llama-2", tmp_path / "model"), tmp_path / "adapter", **CASES["sample"])
    path = tmp_path / "adapter" / "adapter_model.safetensors"
    save_file({f"{key}.weight" if key.endswith("vector") else key: value.to(torch.bfloat16).float()
               for key, value in load_file(path).items()}, path, metadata={"format": "pt"})
    ours = probe_logits(tmp_path / "model", tmp_path / "adapter", tmp_path)
    loaded = load_without_a_word(tmp_path / "model", tmp_path / "adapter")
    assert (ours - peft_logits(loaded)).abs().max() <= 1e-4
    assert (ours - peft_logits(model)).abs().max() > 1e-4  # the rounding above shows that the file was read


@pytest.mark.parametrize("family, case", [*((family, "all-linear") for family in families.FAMILIES),
                                          *(("llama-3.1", case) for case in CASES)])
def test_dora_merges_as_peft_merges_it(family, case, tmp_path):
    dora(families.make(family, tmp_path / "base"), tmp_path / "adapter", 0.05, **CASES[case])
    check_against_peft(tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", ["llama-3.2-tied", "llama-2"])
def test_dora_on_the_head_merges_as_peft_merges_it(family, tmp_path):
    model = dora(families.make(family, tmp_path / "base"), tmp_path / "adapter", r=4, lora_alpha=8,
                 target_modules=["q_proj", "lm_head"])
    report = merge(tmp_path)
    assert report["proof"]["merged"]["kl"] <= 1e-6
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert (logits(loaded) - logits(model)).abs().max() <= 2e-4


def test_dora_is_merged_with_one_rounding(tmp_path):
    families.make("qwen3", tmp_path / "base")
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.bfloat16)
    base.save_pretrained(tmp_path / "base")
    dora(base, tmp_path / "adapter", r=8, lora_alpha=16, target_modules="all-linear", use_rslora=True)
    report = merge(tmp_path)
    base, ours = tensors(tmp_path / "base"), tensors(tmp_path / "merged")
    adapter = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    others = 0
    for key, value in ours.items():
        module = "base_model.model." + key.removesuffix(".weight")
        if f"{module}.lora_A.weight" not in adapter:
            continue
        a, b = (adapter[f"{module}.lora_{matrix}.weight"].double() for matrix in "AB")
        exact = base[key].double() + 16 / 8**0.5 * b @ a
        exact *= (adapter[f"{module}.lora_magnitude_vector"].double() / exact.norm(dim=1))[:, None]
        others += int((value != exact.bfloat16()).sum())
    assert others <= 1e-3 * sum(value.numel() for value in ours.values())
    assert report["proof"]["merged"]["kl"] <= report["proof"]["bounds"]["kl"]


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    """A small model with biases, grouped heads and a tied head, a tokenizer as small, and short rows."""
    folder = tmp_path_factory.mktemp("setting")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = real_text()[:40]
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    families.make("qwen2", folder / "model")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>").save_pretrained(folder / "model")
    write_rows(folder / "rows.jsonl", [{"prompt": text[:8], "completion": text[8:24]} for text in texts])
    return folder


def train(folder, setting, adapter, training, **sections):
    path = recipe(folder, model={"path": str(setting / "model"), "dtype": "float32"}, adapter=adapter,
                  data={"train": [{"path": str(setting / "rows.jsonl")}], "shuffle": False, "max_length": 512},
                  training={"weight_decay": 0.01, "batch_size": 4, **training}, output_dir=str(folder / "run"),
                  **sections)
    run("lore", "train", path)
    return path


def check_steps(folder, theirs):
    losses, norms, model = theirs
    ours = metrics(folder / "run")
    difference = sum(abs(m["loss"] - loss) for m, loss in zip(ours, losses, strict=True)) / len(ours)
    assert difference < 1e-4, difference
    assert abs(ours[0]["grad_norm"] - norms[0]) <= 1e-4 * norms[0]
    assert ours[-1]["loss"] < ours[0]["loss"] - 0.05  # it learned something
    return model


def start_peft(setting, folder, modules=("q_proj", "v_proj", "down_proj"), **lora):
    """A PEFT adapter with a random B, saved for both sides to start from."""
    base = AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=16,
                                            target_modules=list(modules), **lora))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_B" in key or "embedding_A" in key:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.02)
    model.save_pretrained(folder / "adapter")


def peft_run(examples, steps, model, optimizer):
    """The same steps by PEFT at a constant rate: losses, norms of the gradient, the model."""
    losses, norms, position = [], [], 0
    parameters = [p for p in model.parameters() if p.requires_grad]
    for _ in range(steps):
        batch = examples[position : position + 4]
        position = (position + 4) % len(examples)
        total, count = torch.zeros(()), 0
        for ids, labels in batch:
            target = torch.tensor(labels)[1:]
            total = total + torch.nn.functional.cross_entropy(model(torch.tensor([ids])).logits[0][:-1], target,
                                                              ignore_index=-100, reduction="sum")
            count += int((target != -100).sum())
        loss = total / count
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, 1.0)))
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses, norms, model


def check_saved(setting, folder, model, example):
    """The adapter that the run left is the model PEFT trained, and PEFT loads it without a warning."""
    loaded = load_without_a_word(setting / "model", folder / "run" / "adapter")
    ids = torch.tensor([example[0]])
    with torch.no_grad():
        assert (loaded(ids).logits - model.eval()(ids).logits).abs().max() < 1e-3


@pytest.mark.parametrize("use_dora, ratio", [(True, 1), (True, 16), (False, 16)])
def test_fifty_steps_of_dora_and_of_lora_plus_stay_with_peft(setting, use_dora, ratio, tmp_path):
    start_peft(setting, tmp_path, use_dora=use_dora)
    rate = 5e-4 if ratio == 1 else 1e-4
    path = train(tmp_path, setting, {"init_from": str(tmp_path / "adapter"), "r": 8, "lora_alpha": 16},
                 {"max_steps": 50, "learning_rate": rate, "lr_scheduler_type": "constant", "loraplus_lr_ratio": ratio})
    examples = previewed_examples(path)
    base = AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32)
    model = PeftModel.from_pretrained(base, tmp_path / "adapter", is_trainable=True).train()
    optimizer = create_loraplus_optimizer(model, torch.optim.AdamW, lr=rate, loraplus_lr_ratio=ratio,
                                          loraplus_weight_decay=0.01)
    model = check_steps(tmp_path, peft_run(examples, 50, model, optimizer))
    check_saved(setting, tmp_path, model, examples[0])


@pytest.mark.filterwarnings("ignore")  # PEFT speaks of saved embedding layers
def test_lora_plus_gives_embeddings_the_rate_that_peft_gives_them(setting, tmp_path):
    modules = ["q_proj", "embed_tokens"]
    start_peft(setting, tmp_path, modules)
    rates = {"loraplus_lr_ratio": 4, "loraplus_lr_embedding": 2e-3}
    path = train(tmp_path, setting, {"init_from": str(tmp_path / "adapter"), "r": 8, "lora_alpha": 16},
                 {"max_steps": 20, "learning_rate": 5e-4, "lr_scheduler_type": "constant", **rates})
    examples = previewed_examples(path)
    base = AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32)
    model = PeftModel.from_pretrained(base, tmp_path / "adapter", is_trainable=True).train()
    optimizer = create_loraplus_optimizer(model, torch.optim.AdamW, lr=5e-4, loraplus_weight_decay=0.01, **rates)
    check_steps(tmp_path, peft_run(examples, 20, model, optimizer))
    before = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    after = load_file(tmp_path / "run" / "adapter" / "adapter_model.safetensors")
    parameters = {key.replace(".default", ""): value for key, value in model.named_parameters()}
    for key, value in after.items():
        if "lora_" in key:
            assert (value - before[key]).abs().max() > 0, key
            assert (value - parameters[key]).abs().max() <= 0.05 * (value - before[key]).abs().max(), key


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_an_adapter_saved_in_half_precision_is_the_float32_one_rounded_once(setting, dtype, tmp_path):
    for name in ("float32", str(dtype).removeprefix("torch.")):
        (tmp_path / name).mkdir()
        train(tmp_path / name, setting, {"r": 4, "use_dora": True, "modules_to_save": ["norm"], "save_dtype": name},
              {"max_steps": 3, "learning_rate": 1e-3})
    exact, half = (load_file(folder / "run" / "adapter" / "adapter_model.safetensors")
                   for folder in (tmp_path / "float32", tmp_path / str(dtype).removeprefix("torch.")))
    assert set(exact) == set(half)
    for key, value in exact.items():
        assert value.dtype == torch.float32 and half[key].equal(value.to(dtype)), key
    folder = tmp_path / str(dtype).removeprefix("torch.") / "run" / "adapter"
    loaded = load_without_a_word(setting / "model", folder)
    assert (probe_logits(setting / "model", folder, tmp_path) - peft_logits(loaded)).abs().max() <= 1e-4


def test_the_first_step_of_a_dora_with_dropout_runs_and_its_magnitudes_are_pefts(setting, tmp_path):
    train(tmp_path, setting, {"use_dora": True, "lora_dropout": 0.1, "target_modules": "all-linear"},
          {"max_steps": 1, "learning_rate": 1e-9})
    saved = load_file(tmp_path / "run" / "adapter" / "adapter_model.safetensors")
    base = AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32)
    fresh = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", use_dora=True, target_modules="all-linear"))
    for key, parameter in fresh.named_parameters():
        if "lora_magnitude_vector" in key:
            ours = saved[key.replace(".default.weight", "")]
            assert torch.allclose(ours, parameter, rtol=1e-5)


def test_frozen_a_stays_and_b_is_trained(setting, tmp_path):
    start_peft(setting, tmp_path)
    path = train(tmp_path, setting, {"init_from": str(tmp_path / "adapter"), "r": 8, "lora_alpha": 16, "freeze_a": True},
                 {"max_steps": 20, "learning_rate": 1e-3, "lr_scheduler_type": "constant"})
    examples = previewed_examples(path)
    base = AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32)
    model = PeftModel.from_pretrained(base, tmp_path / "adapter", is_trainable=True).train()
    for key, parameter in model.named_parameters():
        if "lora_A" in key:
            parameter.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3, weight_decay=0.01)
    model = check_steps(tmp_path, peft_run(examples, 20, model, optimizer))
    check_saved(setting, tmp_path, model, examples[0])
    run_json = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run_json["adapter"]["parameters"] == sum(p.numel() for p in model.parameters() if p.requires_grad)
    before = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    after = load_file(tmp_path / "run" / "adapter" / "adapter_model.safetensors")
    for key, value in before.items():
        assert value.equal(after[key]) == ("lora_A" in key), key


INITS = {
    "pissa": dict(init_lora_weights="pissa", r=8, lora_alpha=16, target_modules=["q_proj", "v_proj", "down_proj"]),
    "olora": dict(init_lora_weights="olora", r=8, lora_alpha=4, target_modules="all-linear"),
    "pissa-rslora": dict(init_lora_weights="pissa", r=4, lora_alpha=3, target_modules=["k_proj", "up_proj"],
                         use_rslora=True),
    "pissa-patterns": dict(init_lora_weights="pissa", r=4, lora_alpha=8, target_modules=["q_proj", "o_proj"],
                           rank_pattern={"q_proj": 6}, alpha_pattern={r".*layers\.1\..*": 5}),
}


@pytest.mark.parametrize("case", INITS)
def test_training_from_the_bases_weights_stays_with_peft_and_is_saved_as_plain_lora(setting, case, tmp_path):
    lora = INITS[case]
    path = train(tmp_path, setting, lora, {"max_steps": 30, "learning_rate": 3e-4, "lr_scheduler_type": "constant"})
    examples = previewed_examples(path)
    base = AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **lora)).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-4, weight_decay=0.01)
    model = check_steps(tmp_path, peft_run(examples, 30, model, optimizer))
    check_saved(setting, tmp_path, model, examples[0])
    config = json.loads((tmp_path / "run" / "adapter" / "adapter_config.json").read_text())
    factor = 2**0.5 if lora.get("use_rslora") else 2
    assert config["init_lora_weights"] is True and config["r"] == 2 * lora["r"]
    assert math.isclose(config["lora_alpha"], factor * lora["lora_alpha"])
    # What the run left is also what Lore computes with.
    segments = [{"ids": ids, "labels": labels} for ids, labels in examples[:2]]
    _, ours = probe("logits", setting / "model", "float32", tmp_path / "run" / "adapter", segments, tmp_path)
    with torch.no_grad():
        theirs = torch.cat([model(torch.tensor([s["ids"]])).logits[0] for s in segments])
    assert (ours["logits"] - theirs).abs().max() < 1e-3


@pytest.mark.parametrize("init", ["pissa", "pissa_niter_8", "olora", "orthogonal"])
@pytest.mark.parametrize("use_dora", [False, True])
def test_every_initialization_starts_as_no_change(setting, init, use_dora, tmp_path):
    for name, adapter in (("plain", {}), ("own", {"init_lora_weights": init, "use_dora": use_dora})):
        (tmp_path / name).mkdir()
        train(tmp_path / name, setting, {"r": 8, "target_modules": "all-linear", **adapter},
              {"max_steps": 2, "learning_rate": 1e-3, "lr_scheduler_type": "constant"})
    plain, own = metrics(tmp_path / "plain" / "run"), metrics(tmp_path / "own" / "run")
    assert math.isclose(plain[0]["loss"], own[0]["loss"], rel_tol=1e-5)
    assert own[1]["loss"] < own[0]["loss"]
    loaded = load_without_a_word(setting / "model", tmp_path / "own" / "run" / "adapter")
    assert loaded.peft_config["default"].init_lora_weights is True
    assert loaded.peft_config["default"].use_dora == use_dora


def test_the_randomized_svd_finds_the_largest_singular_values_from_the_seed(setting, tmp_path):
    for name, seed in (("a", 1), ("again", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        train(tmp_path / name, setting, {"r": 8, "init_lora_weights": "pissa_niter_16"},
              {"max_steps": 1, "learning_rate": 1e-12, "seed": seed})
    start, again, other = (load_file(tmp_path / name / "run" / "adapter" / "adapter_model.safetensors")
                           for name in ("a", "again", "b"))
    base = tensors(setting / "model")
    for key, a in start.items():
        assert a.equal(again[key]) and not a.equal(other[key])
        if "lora_A" in key:
            weight = base[key.replace("base_model.model.", "").replace("lora_A.weight", "weight")]
            update = 4 * start[key.replace("lora_A", "lora_B")][:, :8] @ a[:8]  # lora_alpha 32
            best = torch.linalg.svdvals(weight)[8:].norm()
            assert (weight - update).norm() <= 1.001 * best


@pytest.mark.parametrize("family, case", [("llama-3.1", case) for case in INITS] + [("qwen2", "olora")])
def test_an_adapter_that_peft_left_on_a_residual_is_read_as_peft_reads_it(family, case, tmp_path):
    base = families.make(family, tmp_path / "base")
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **INITS[case]))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_" in key:
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(4)) * 0.05)
    model.save_pretrained(tmp_path / "adapter")
    assert json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())["init_lora_weights"] is not True
    ours = probe_logits(tmp_path / "base", tmp_path / "adapter", tmp_path)
    assert (ours - peft_logits(model.eval())).abs().max() <= 1e-4
    wanted = logits(load_without_a_word(tmp_path / "base", tmp_path / "adapter"))
    merge(tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert (logits(loaded) - wanted).abs().max() <= 2e-4


@pytest.mark.parametrize("init", ["pissa_niter_4", "loftq", "lora_ga"])
def test_an_adapter_on_a_base_that_cannot_be_recomputed_is_refused_with_advice(setting, init, tmp_path):
    base = AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32)
    families.random_adapter(base, tmp_path / "adapter", 0.1, r=4, lora_alpha=8, target_modules="all-linear")
    path = tmp_path / "adapter" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"init_lora_weights": init}))
    for command in (["merge", "--output", tmp_path / "merged"], ["generate", "--prompt", "a"]):
        result = run("lore", *command, "--base", setting / "model", "--adapter", tmp_path / "adapter", check=False)
        assert result.returncode == 3, result.stderr
        assert init in result.stderr and "path_initial_model_for_weight_conversion" in result.stderr
