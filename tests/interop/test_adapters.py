"""Adapters in both directions between Lore and PEFT: files, module matching, logits, gradients."""

import json
import math

import families
import pytest
import torch
from lore_program import probe, run, segment
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

CASES = {
    "sample": dict(r=16, lora_alpha=32, target_modules=["q_proj", "v_proj"]),
    "all-linear": dict(r=4, lora_alpha=8, target_modules="all-linear"),
    "regex": dict(r=4, lora_alpha=4, target_modules=r".*\.(1|2)\.self_attn\.(k|o)_proj"),
    "rslora": dict(r=8, lora_alpha=16, target_modules=["q_proj", "down_proj"], use_rslora=True),
    "layers": dict(r=4, lora_alpha=8, target_modules=["v_proj", "gate_proj"], layers_to_transform=[0, 2]),
    "patterns": dict(r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "up_proj"],
                     rank_pattern={r"layers\.1\.self_attn\.q_proj": 6, "up_proj": 2},
                     alpha_pattern={r"^model\.layers\.2\.self_attn\.k_proj": 3, "up_proj": 5}),
    "exclude": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"],
                    exclude_modules=["layers.1.self_attn.q_proj"]),
}


def random_adapter(name, case, folder):
    """A PEFT model with random A and B, saved; returned in training-free mode."""
    base = families.make(name, folder / "model")
    return families.random_adapter(base, folder / "adapter", 0.1, **CASES[case])


def trained_segments():
    generator = torch.Generator().manual_seed(2)
    segments = []
    for length, prompt in ((40, 10), (25, 3), (9, 8)):
        ids = torch.randint(0, 320, (length,), generator=generator).tolist()
        segments.append(segment(ids, [-100] * prompt + ids[prompt:]))
    return segments


def peft_loss(model, segments):
    """Mean loss over all trained tokens of the batch."""
    total = torch.zeros(())
    count = 0
    for s in segments:
        logits = model(torch.tensor([s["ids"]])).logits[0].float()
        labels = torch.tensor(s["labels"])[1:]
        total = total + torch.nn.functional.cross_entropy(logits[:-1], labels, ignore_index=-100, reduction="sum")
        count += int((labels != -100).sum())
    return total / count


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", ["llama-3.1", "qwen3"])
def test_loss_and_gradients_equal_pefts(family, case, tmp_path):
    model = random_adapter(family, case, tmp_path)
    segments = trained_segments()
    loss = peft_loss(model, segments)
    loss.backward()
    ours_loss, ours = probe("gradients", tmp_path / "model", "float32", tmp_path / "adapter", segments, tmp_path)
    assert abs(ours_loss - loss.item()) <= 1e-5 * loss.item()
    theirs = {key.replace(".default", ""): p.grad for key, p in model.named_parameters() if p.grad is not None}
    assert set(ours) == set(theirs)
    for key, gradient in theirs.items():
        cosine = torch.nn.functional.cosine_similarity(ours[key].flatten(), gradient.flatten(), dim=0)
        assert cosine >= 0.9999, (key, cosine)
        assert abs(math.log(ours[key].norm() / gradient.norm())) <= 1e-3, key


@pytest.mark.parametrize("family", families.FAMILIES)
def test_gradients_hold_for_every_family(family, tmp_path):
    model = random_adapter(family, "sample", tmp_path)
    segments = trained_segments()
    loss = peft_loss(model, segments)
    loss.backward()
    ours_loss, ours = probe("gradients", tmp_path / "model", "float32", tmp_path / "adapter", segments, tmp_path)
    assert abs(ours_loss - loss.item()) <= 1e-5 * loss.item()
    for key, parameter in model.named_parameters():
        if parameter.grad is not None:
            ours_gradient = ours[key.replace(".default", "")].flatten()
            assert torch.nn.functional.cosine_similarity(ours_gradient, parameter.grad.flatten(), dim=0) >= 0.9999


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_adapters_of_any_float_type_load(dtype, tmp_path):
    from safetensors.torch import save_file

    model = random_adapter("llama-2", "sample", tmp_path)
    path = tmp_path / "adapter" / "adapter_model.safetensors"
    tensors = {key: value.to(dtype) for key, value in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
    model = PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    segments = trained_segments()
    with torch.no_grad():
        theirs = torch.cat([model(torch.tensor([s["ids"]])).logits[0] for s in segments])
    _, ours = probe("logits", tmp_path / "model", "float32", tmp_path / "adapter", segments, tmp_path)
    assert (ours["logits"] - theirs).abs().max() <= 1e-4


def test_a_target_that_matches_nothing_is_an_error(tmp_path):
    random_adapter("llama-2", "sample", tmp_path)
    path = tmp_path / "adapter" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"target_modules": ["q_porj", "v_proj"]}))
    request = tmp_path / "input.json"
    request.write_text(json.dumps({"segments": trained_segments()}))
    result = run("model_probe", "logits", tmp_path / "model", "float32", tmp_path / "adapter", request,
                 tmp_path / "out", check=False)
    assert result.returncode == 3
    assert "q_porj" in result.stderr and "q_proj" in result.stderr
