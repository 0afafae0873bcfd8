"""Logits of every family beside transformers."""

import json
import os

import families
import pytest
import torch
from lore_program import SMOLLM2, probe, real_text, run, segment
from transformers import AutoModelForCausalLM, AutoTokenizer

LENGTHS = (50, 1, 33, 7)


def random_segments():
    generator = torch.Generator().manual_seed(1)
    return [segment(torch.randint(0, 320, (n,), generator=generator).tolist()) for n in LENGTHS]


def reference_logits(model, segments):
    with torch.no_grad():
        return torch.cat([model(torch.tensor([s["ids"]])).logits[0].float() for s in segments])


def exact_logits(model, segments):
    """In float64; leaves the model in it."""
    model.double()
    with torch.no_grad():
        return torch.cat([model(torch.tensor([s["ids"]])).logits[0] for s in segments])


def check_close(ours, theirs, bound=1e-4):
    difference = (ours - theirs).abs()
    assert difference.max() <= bound, f"largest difference {difference.max():.2e}"
    assert difference.norm() / theirs.norm() <= 1e-5, f"relative {difference.norm() / theirs.norm():.2e}"


@pytest.mark.parametrize("name", families.FAMILIES)
def test_fp32_logits_equal_those_of_transformers(name, tmp_path):
    model = families.make(name, tmp_path / "model")
    segments = random_segments()
    _, ours = probe("logits", tmp_path / "model", "float32", None, segments, tmp_path)
    check_close(ours["logits"], reference_logits(model, segments))


@pytest.mark.parametrize("name", families.FAMILIES)
def test_a_packed_row_leaks_nothing_from_one_segment_to_another(name, tmp_path):
    families.make(name, tmp_path / "model")

    def logits(segments):
        return probe("logits", tmp_path / "model", "float32", None, segments, tmp_path)[1]["logits"]

    def loss(packed, segments):
        losses = []
        for part, s in zip(packed.split([len(s["ids"]) for s in segments]), segments):
            losses.append(torch.nn.functional.cross_entropy(part[:-1].double(), torch.tensor(s["ids"][1:]),
                                                            reduction="sum"))
        return torch.stack(losses).sum()

    segments = random_segments()
    packed = logits(segments)
    alone = torch.cat([logits([s]) for s in segments])
    assert (packed - alone).abs().max() <= 1e-6 * packed.abs().max()
    long = [s for s in segments if len(s["ids"]) > 1]
    exact = loss(torch.cat([logits([s]) for s in long]), long)
    assert abs(loss(logits(long), long) - exact) <= 1e-6 * exact
    for changed in range(len(segments)):
        others = [dict(s) for s in segments]
        others[changed] = segment([(i + 1) % 320 for i in segments[changed]["ids"]])
        difference = (logits(others) - packed).abs().max(dim=1).values.split(list(LENGTHS))
        for i, part in enumerate(difference):
            assert (part.max() > 1e-3) == (i == changed)
            assert i == changed or part.max() == 0


@pytest.mark.parametrize("name", ["llama-3.1", "mistral", "qwen2", "qwen3"])
def test_bf16_is_as_near_to_fp32_as_transformers_bf16(name, tmp_path):
    model = families.make(name, tmp_path / "fp32")
    model.to(torch.bfloat16).save_pretrained(tmp_path / "model")
    exact_model = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
    bf16_model = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.bfloat16)
    segments = random_segments()
    exact = reference_logits(exact_model, segments)
    theirs = (reference_logits(bf16_model, segments) - exact).norm()
    _, ours = probe("logits", tmp_path / "model", "bfloat16", None, segments, tmp_path)
    assert (ours["logits"] - exact).norm() <= 1.2 * theirs


def test_sharded_checkpoints_and_v5_spelling_give_the_same_logits(tmp_path):
    model = families.make("llama-3.1", tmp_path / "model", shards=True)
    assert (tmp_path / "model" / "model.safetensors.index.json").exists()
    path = tmp_path / "model" / "config.json"
    config = json.loads(path.read_text())
    config["rope_parameters"] = dict(config.pop("rope_scaling"), rope_theta=config.pop("rope_theta"))
    path.write_text(json.dumps(config))
    segments = random_segments()
    _, ours = probe("logits", tmp_path / "model", "float32", None, segments, tmp_path)
    check_close(ours["logits"], reference_logits(model, segments))


def test_older_instruction_sets_give_the_same_logits(tmp_path):
    model = families.make("smollm2", tmp_path / "model")
    segments = random_segments()
    for capability in ("default", "avx2"):
        os.environ["ATEN_CPU_CAPABILITY"] = capability
        try:
            for dtype, bound in (("float32", 1e-4), ("bfloat16", 0.2)):
                _, ours = probe("logits", tmp_path / "model", dtype, None, segments, tmp_path)
                assert (ours["logits"] - reference_logits(model, segments)).abs().max() <= bound
        finally:
            del os.environ["ATEN_CPU_CAPABILITY"]


def test_smollm2_from_gguf_and_from_a_folder_equals_transformers_on_real_text(smollm2_folder, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name)
    model = AutoModelForCausalLM.from_pretrained(smollm2_folder, dtype=torch.float32).eval()
    texts = ["".join(real_text()[i : i + 4]) for i in (0, 200, 400)]
    segments = [segment(tokenizer(t, add_special_tokens=False).input_ids[:200]) for t in texts]
    theirs = reference_logits(model, segments)
    exact = exact_logits(model, segments)
    # On some processors the float32 of transformers is itself further than 1e-4 from float64, and its sums are MKL's
    # where ours are oneDNN's.
    bound = max(1e-4, 2 * (theirs - exact).abs().max().item())
    for path in (smollm2_folder, SMOLLM2):
        _, ours = probe("logits", path, "float32", None, segments, tmp_path)
        assert (ours["logits"] - exact).abs().max() <= bound
        check_close(ours["logits"], theirs, bound)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"architectures": ["GemmaForCausalLM"], "model_type": "gemma"}, "GemmaForCausalLM"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"rope_scaling": {"rope_type": "longrope", "factor": 2.0}}, "rope_type"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantization_config"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
        ({"num_key_value_heads": 3}, "num_key_value_heads"),
        ({"hidden_size": "64"}, "hidden_size"),
        ({"intermediate_size": 128}, "mlp.gate_proj.weight"),
        ({"num_hidden_layers": 2}, "not part of architecture"),
    ],
)
def test_a_config_that_would_change_the_numbers_is_refused_by_name(change, message, tmp_path):
    families.make("llama-2", tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    request = tmp_path / "input.json"
    request.write_text(json.dumps({"segments": [segment([1, 2])]}))
    result = run("model_probe", "logits", tmp_path / "model", "float32", "-", request, tmp_path / "o", check=False)
    assert result.returncode == 3
    assert message in result.stderr
