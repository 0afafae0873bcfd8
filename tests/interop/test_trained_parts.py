"""What an adapter trains besides low-rank pairs on linears, beside PEFT: modules_to_save, biases, embeddings, head."""

import json
import math
import warnings

import families
import pytest
import torch
from lore_program import REPOSITORY, SMOLLM2, probe, run, segment
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, get_scheduler

LORA = dict(r=4, lora_alpha=8)
CASES = {
    "bias-lora-only": dict(LORA, target_modules=["q_proj", "o_proj", "down_proj"], bias="lora_only"),
    "bias-all": dict(LORA, target_modules=["q_proj"], layers_to_transform=[1], bias="all"),
    "embeddings": dict(LORA, target_modules=["q_proj", "v_proj"], modules_to_save=["embed_tokens"]),
    "head": dict(LORA, target_modules=["q_proj", "v_proj"], modules_to_save=["lm_head"]),
    "both-ends": dict(LORA, target_modules=["v_proj"], layers_to_transform=[2],
                      modules_to_save=["embed_tokens", "lm_head"]),
    "norms": dict(LORA, target_modules=["q_proj"], modules_to_save=["norm"]),
    "norm-below-adapters": dict(LORA, target_modules=["q_proj"], layers_to_transform=[2],
                                modules_to_save=["layers.0.input_layernorm"]),
    "post-norm-below-adapters": dict(LORA, target_modules=["q_proj"], layers_to_transform=[2],
                                     modules_to_save=["layers.1.post_attention_layernorm"]),
    "final-norm-alone": dict(LORA, target_modules=["lm_head"], modules_to_save=["model.norm"]),
    "linears": dict(LORA, target_modules=["q_proj", "k_proj"], modules_to_save=["down_proj", "v_proj"]),
    "containers": dict(LORA, target_modules=["q_proj", "up_proj"], modules_to_save=["layers.1", "0.mlp"]),
    "low-rank-embeddings": dict(LORA, target_modules=["q_proj", "embed_tokens"], use_rslora=True),
    "low-rank-head": dict(LORA, target_modules=["lm_head", "v_proj"]),
    "low-rank-ends": dict(LORA, target_modules=["embed_tokens", "lm_head"], rank_pattern={"embed_tokens": 3}),
    "everything": dict(LORA, target_modules=["q_proj", "down_proj", "lm_head"], bias="all",
                       modules_to_save=["embed_tokens", "norm"]),
}
FAMILIES = ["llama-2", "llama-biases", "qwen3"]

pytestmark = pytest.mark.filterwarnings("ignore")  # PEFT's own, of tied embeddings and saved embedding layers


def adapted(base, folder, case, spread=0.05):
    """A PEFT model whose every trained tensor is away from where it starts, saved into `folder`."""
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **CASES[case]))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * spread)
    model.save_pretrained(folder)
    return model.eval()


def canonical(key):
    """PEFT's name of a parameter as Lore names its gradient."""
    for part in (".modules_to_save.default", ".base_layer", ".default"):
        key = key.replace(part, "")
    return key


def segments():
    generator = torch.Generator().manual_seed(2)
    result = []
    for length, prompt in ((40, 10), (25, 3), (9, 8)):
        ids = torch.randint(0, 320, (length,), generator=generator).tolist()
        result.append(segment(ids, [-100] * prompt + ids[prompt:]))
    return result


def mean_loss(model, examples):
    total, count = torch.zeros(()), 0
    for ids, labels in examples:
        target = torch.tensor(labels)[1:]
        logits = model(torch.tensor([ids])).logits[0].float()
        total = total + torch.nn.functional.cross_entropy(logits[:-1], target, ignore_index=-100, reduction="sum")
        count += int((target != -100).sum())
    return total / count


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", FAMILIES)
def test_logits_loss_and_every_gradient_equal_pefts(family, case, tmp_path):
    model = adapted(families.make(family, tmp_path / "model"), tmp_path / "adapter", case)
    rows = segments()
    with torch.no_grad():
        theirs = torch.cat([model(torch.tensor([row["ids"]])).logits[0] for row in rows])
    _, ours = probe("logits", tmp_path / "model", "float32", tmp_path / "adapter", rows, tmp_path)
    assert (ours["logits"] - theirs).abs().max() <= 1e-4
    loss = mean_loss(model, [(row["ids"], row["labels"]) for row in rows])
    loss.backward()
    ours_loss, ours = probe("gradients", tmp_path / "model", "float32", tmp_path / "adapter", rows, tmp_path)
    assert abs(ours_loss - loss.item()) <= 1e-5 * loss.item()
    theirs = {canonical(key): p.grad for key, p in model.named_parameters() if p.requires_grad}
    assert set(ours) == set(theirs)
    for key, gradient in theirs.items():
        cosine = torch.nn.functional.cosine_similarity(ours[key].flatten().double(), gradient.flatten().double(), dim=0)
        assert cosine >= 0.9999, (key, cosine)
        assert abs(math.log(ours[key].norm() / gradient.norm())) <= 1e-3, key


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_files_load(dtype, tmp_path):
    adapted(families.make("qwen2", tmp_path / "model"), tmp_path / "adapter", "everything")
    path = tmp_path / "adapter" / "adapter_model.safetensors"
    save_file({key: value.to(dtype) for key, value in load_file(path).items()}, path, metadata={"format": "pt"})
    # The copy of the head's frozen weight that PEFT puts into the file is the base's own in this type.
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
    state = {key: value.float() for key, value in load_file(path).items() if "base_layer.weight" not in key}
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **CASES["everything"])).eval()
    set_peft_model_state_dict(model, state)
    rows = segments()
    with torch.no_grad():
        theirs = torch.cat([model(torch.tensor([row["ids"]])).logits[0] for row in rows])
    _, ours = probe("logits", tmp_path / "model", "float32", tmp_path / "adapter", rows, tmp_path)
    assert (ours["logits"] - theirs).abs().max() <= 1e-4


@pytest.fixture(scope="module", params=["Llama", "Qwen2"])
def setting(request, tmp_path_factory):
    """SmolLM2's tokenizer over small random models of its vocabulary, tied and not, with chat rows."""
    folder = tmp_path_factory.mktemp(request.param)
    tokenizer = AutoTokenizer.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name)
    for name, tied in (("tied", True), ("untied", False)):
        families.FAMILIES[name] = (request.param, dict(families.SIZES, vocab_size=len(tokenizer), hidden_size=32,
                                                       num_hidden_layers=2, max_position_embeddings=512,
                                                       tie_word_embeddings=tied))
        families.make(name, folder / name)
        tokenizer.save_pretrained(folder / name)
    lines = (REPOSITORY / "data-samples" / "terms.train.jsonl").read_text(encoding="utf-8").splitlines()[:16]
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def recipe(setting, tie, folder, adapter, **training):
    path = folder / "recipe.json"
    path.write_text(json.dumps(dict(
        model={"path": str(setting / tie), "dtype": "float32"}, adapter=adapter,
        data={"train": [{"path": str(setting / "rows.jsonl")}], "shuffle": False, "max_length": 512},
        training=training, output_dir=str(folder / "run"))))
    return path


def load(setting, tie):
    return AutoModelForCausalLM.from_pretrained(setting / tie, dtype=torch.float32)


@pytest.mark.parametrize("case", ["bias-lora-only", "bias-all", "embeddings", "head", "both-ends", "norms", "linears",
                                  "containers", "low-rank-embeddings", "low-rank-head", "low-rank-ends", "everything"])
@pytest.mark.parametrize("tie", ["tied", "untied"])
def test_fresh_adapters_start_as_pefts_and_their_files_are_pefts(setting, tie, case, tmp_path):
    arguments = {key: value for key, value in CASES[case].items()}
    if case in ("bias-all", "both-ends"):
        arguments["layers_to_transform"] = [1]
    path = recipe(setting, tie, tmp_path, arguments, max_steps=1, batch_size=4, learning_rate=1e-9)
    run("lore", "train", path)
    model = get_peft_model(load(setting, tie), LoraConfig(task_type="CAUSAL_LM", **arguments))
    theirs = get_peft_model_state_dict(model)
    ours = load_file(tmp_path / "run" / "adapter" / "adapter_model.safetensors")
    assert set(ours) == set(theirs)
    for key, value in theirs.items():
        assert ours[key].shape == value.shape, key
        if "lora_" not in key or "lora_B" in key or "embedding_A" in key:
            assert (ours[key] - value).abs().max() <= 1e-6, key
        if "embedding_B" in key:
            assert abs(ours[key].std() - 1) < 0.2 and abs(ours[key].mean()) < 0.3
    result = set_peft_model_state_dict(model, ours)
    assert result.unexpected_keys == [] and not [k for k in result.missing_keys if "lora" in k or "modules_to_save" in k]
    PeftModel.from_pretrained(load(setting, tie), tmp_path / "run" / "adapter")


def peft_steps(model, examples, batch_size, steps, learning_rate):
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.01)
    schedule = get_scheduler("linear", optimizer, num_warmup_steps=5, num_training_steps=steps)
    losses, position = [], 0
    for _ in range(steps):
        loss = mean_loss(model, examples[position : position + batch_size])
        position = (position + batch_size) % len(examples)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("setting, tie, case", [
    ("Llama", "tied", "both-ends"), ("Qwen2", "untied", "bias-all"), ("Llama", "tied", "low-rank-ends"),
    ("Qwen2", "untied", "everything"), ("Llama", "tied", "linears")], indirect=["setting"])
def test_fifty_adamw_steps_stay_with_peft(setting, tie, case, tmp_path):
    arguments = dict(CASES[case])
    if "layers_to_transform" in arguments:
        arguments["layers_to_transform"] = [1]
    rate = 1e-2 if case == "bias-all" else 1e-3  # biases alone move little
    CASES["trained"] = arguments
    adapted(load(setting, tie), tmp_path / "start", "trained", spread=0.02)
    del CASES["trained"]
    path = recipe(setting, tie, tmp_path, {"init_from": str(tmp_path / "start")}, batch_size=4, max_steps=50,
                  learning_rate=rate, warmup_steps=5, weight_decay=0.01)
    run("lore", "train", path)
    lines = run("lore", "preview", path, "--json").stdout.splitlines()
    examples = [(row["input_ids"], row["labels"]) for row in map(json.loads, lines)]
    model = PeftModel.from_pretrained(load(setting, tie), tmp_path / "start", is_trainable=True).train()
    losses = peft_steps(model, examples, 4, 50, rate)
    ours = [m["loss"] for m in map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
            if m["kind"] == "train"]
    assert len(ours) == 50 and ours[48] < ours[0] - 1e-3  # the same rows, twelve epochs later
    assert sum(abs(a - b) for a, b in zip(ours, losses, strict=True)) / 50 < 1e-4
    loaded = PeftModel.from_pretrained(load(setting, tie), tmp_path / "run" / "adapter").eval()
    ids = torch.tensor([examples[0][0]])
    with torch.no_grad():
        assert (loaded(ids).logits - model.eval()(ids).logits).abs().max() < 2e-3


def tensors(folder):
    return {key: value for file in sorted(folder.glob("*.safetensors")) for key, value in load_file(file).items()}


def merge(folder, *arguments):
    return json.loads(run("lore", "merge", "--base", folder / "model", "--adapter", folder / "adapter", "--output",
                          folder / "merged", "--json", *arguments).stdout)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", FAMILIES)
def test_merges_are_base_and_adapter(family, case, tmp_path):
    model = adapted(families.make(family, tmp_path / "model"), tmp_path / "adapter", case)
    ids = torch.randint(0, 320, (2, 40), generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        wanted = model(ids).logits
    report = merge(tmp_path)
    assert report["proof"]["verified"] and report["proof"]["merged"]["kl"] <= 1e-6
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype="auto")
    with torch.no_grad():
        assert (loaded(ids).logits - wanted).abs().max() <= 2e-4
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    tied = families.FAMILIES[family][1].get("tie_word_embeddings", False)
    changes_ends = any(name in json.dumps(CASES[case]) for name in ("embed_tokens", "lm_head"))
    assert config["tie_word_embeddings"] == (tied and not changes_ends)
    assert report["untied_head"] == (tied and changes_ends)
    if tied and "lm_head" in json.dumps(CASES[case]["target_modules"]) + json.dumps(CASES[case]["target_modules"]):
        return  # PEFT's merge changes the embeddings too
    if tied and "embed_tokens" in CASES[case]["target_modules"]:
        return  # PEFT's merge changes the head too
    theirs = model.merge_and_unload().state_dict()
    ours = tensors(tmp_path / "merged")
    for key, value in ours.items():
        assert (value - theirs[key]).abs().max() <= 1e-6, key
    assert set(theirs) - set(ours) <= {"lm_head.weight"}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_merges_round_whole_parameters_once(dtype, tmp_path):
    adapted(families.make("qwen2", tmp_path / "model"), tmp_path / "adapter", "everything")
    report = merge(tmp_path, "--dtype", dtype)
    assert report["proof"]["verified"]
    ours, adapter = tensors(tmp_path / "merged"), load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    for name in ("model.embed_tokens.weight", "model.norm.weight", "model.layers.1.self_attn.k_proj.bias"):
        stored = adapter["base_model.model." + name].to(getattr(torch, dtype))
        assert ours[name].view(torch.uint8).equal(stored.view(torch.uint8)), name
    assert report["update"]["modules"]["embed_tokens"]["surviving_share"] > 0.99


def test_a_whole_parameter_alone_is_an_update(tmp_path):
    model = get_peft_model(families.make("llama-2", tmp_path / "model"),
                           LoraConfig(task_type="CAUSAL_LM", **CASES["norms"]))
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "model.norm.modules_to_save" in key:
                parameter.add_(0.1)
    model.save_pretrained(tmp_path / "adapter")
    report = merge(tmp_path)
    assert report["update"]["modules"]["norm"]["changed_elements"] == 64
    assert report["update"]["modules"]["q_proj"]["changed_elements"] == 0


def test_parts_that_change_nothing_are_a_refused_merge(tmp_path):
    get_peft_model(families.make("qwen2", tmp_path / "model"), LoraConfig(task_type="CAUSAL_LM", **CASES["everything"])
                   ).save_pretrained(tmp_path / "adapter")
    result = run("lore", "merge", "--base", tmp_path / "model", "--adapter", tmp_path / "adapter", "--output",
                 tmp_path / "merged", check=False)
    assert result.returncode == 4 and "would be the base" in result.stderr


def test_another_bases_embeddings_are_refused(tmp_path):
    adapted(families.make("llama-2", tmp_path / "model"), tmp_path / "adapter", "low-rank-embeddings")
    path = tmp_path / "adapter" / "adapter_model.safetensors"
    weights = load_file(path)
    weights["base_model.model.model.embed_tokens.base_layer.weight"][7, 3] += 0.5
    save_file(weights, path, metadata={"format": "pt"})
    for command in (["merge", "--output", tmp_path / "merged"], ["generate", "--prompt", "a", "--template", "none"]):
        result = run("lore", command[0], "--base", tmp_path / "model", "--adapter", tmp_path / "adapter", *command[1:],
                     check=False)
        assert result.returncode in (3, 4)
        if command[0] == "merge":
            assert "embed_tokens.base_layer.weight" in result.stderr and "another base" in result.stderr
