"""Merged models against PEFT's merge_and_unload, and as transformers loads and runs them."""

import json
import subprocess

import families
import pytest
import torch
from lore_program import BIN, SMOLLM2, real_text, run
from peft import PeftModel
from safetensors.torch import load_file
from test_adapters import CASES
from transformers import AutoModelForCausalLM, AutoTokenizer


def make_case(family, folder, dtype=torch.float32, **lora):
    """A base of `dtype` and a random PEFT adapter on it, both saved."""
    families.make(family, folder / "base")
    base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=dtype)
    base.save_pretrained(folder / "base")
    families.random_adapter(base, folder / "adapter", 0.05, **lora)


def load_peft(folder, dtype=torch.float32):
    base = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=dtype)
    return PeftModel.from_pretrained(base, folder / "adapter").eval()


def merge(folder, *arguments, out="merged"):
    result = run("lore", "merge", "--base", folder / "base", "--adapter", folder / "adapter", "--output",
                 folder / out, "--json", *arguments)
    return json.loads(result.stdout)


def tensors(folder):
    return {key: value for file in sorted(folder.glob("*.safetensors")) for key, value in load_file(file).items()}


def tokenize(model, texts):
    """The ids that Lore's own tokenizer gives, special tokens included."""
    lines = "".join(json.dumps(text.encode().decode("latin-1")) + "\n" for text in texts)
    result = subprocess.run([BIN / "tokenize_probe", model], capture_output=True, text=True, check=True, input=lines)
    return [json.loads(line)["tokens"][::3] for line in result.stdout.splitlines()]


IDS = torch.randint(0, 320, (2, 40), generator=torch.Generator().manual_seed(5))


@torch.no_grad()
def logits(model):
    return model(IDS).logits.float()


def check_against_peft(folder):
    report = merge(folder)
    wanted = load_peft(folder)
    unmerged = logits(wanted)
    wanted = wanted.merge_and_unload().state_dict()
    ours = tensors(folder / "merged")
    for key, value in ours.items():
        assert (value - wanted[key]).abs().max() <= 1e-6, key
    loaded = AutoModelForCausalLM.from_pretrained(folder / "merged", dtype="auto")
    assert loaded.dtype == torch.float32
    assert (logits(loaded) - unmerged).abs().max() <= 2e-4
    assert report["proof"]["verified"] and report["proof"]["merged"]["kl"] <= 1e-6
    assert report["update"]["surviving_share"] == pytest.approx(1, abs=1e-3)
    return report


@pytest.mark.parametrize("family", families.FAMILIES)
def test_every_family_merges_as_peft_merges_it(family, tmp_path):
    make_case(family, tmp_path, r=4, lora_alpha=8, target_modules="all-linear")
    check_against_peft(tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_configuration_merges_as_peft_merges_it(case, tmp_path):
    make_case("llama-3.1", tmp_path, **CASES[case])
    check_against_peft(tmp_path)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_weights_are_rounded_once_from_the_float32_sum(dtype, tmp_path):
    make_case("qwen3", tmp_path, dtype, r=8, lora_alpha=16, target_modules="all-linear", use_rslora=True)
    report = merge(tmp_path)
    base, ours = tensors(tmp_path / "base"), tensors(tmp_path / "merged")
    adapter = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    others = 0
    for key, value in ours.items():
        assert value.dtype == dtype
        a = adapter.get(f"base_model.model.{key.removesuffix('.weight')}.lora_A.weight")
        if a is None:
            assert value.view(torch.uint8).equal(base[key].view(torch.uint8)), key
            continue
        b = adapter[f"base_model.model.{key.removesuffix('.weight')}.lora_B.weight"]
        exact = base[key].double() + 16 / 8**0.5 * b.double() @ a.double()
        # The float32 sum may fall on the other side of a tie, in less than one element of a thousand.
        others += int((value != exact.to(dtype)).sum())
        assert (value.double() - exact).abs().max() <= exact.abs().max() * torch.finfo(dtype).eps
    assert others <= 1e-3 * sum(value.numel() for value in ours.values())
    assert report["proof"]["merged"]["kl"] <= report["proof"]["bounds"]["kl"]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_float32_base_can_be_written_narrower(dtype, tmp_path):
    make_case("mistral", tmp_path, r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"])
    report = merge(tmp_path, "--dtype", dtype)
    assert all(value.dtype == getattr(torch, dtype) for value in tensors(tmp_path / "merged").values())
    assert report["proof"]["base_rounding"]["kl"] > 0
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert config["dtype"] == config["torch_dtype"] == dtype
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype="auto").dtype == getattr(torch, dtype)


def test_shards_hold_the_tensors_of_the_single_file(tmp_path):
    make_case("llama-2", tmp_path, r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])
    whole = merge(tmp_path)
    parts = merge(tmp_path, "--shard-size", "60KB", out="parts")
    assert parts["shards"] > 3 and parts["merged"] == whole["merged"]
    index = json.loads((tmp_path / "parts" / "model.safetensors.index.json").read_text())
    ours, single = tensors(tmp_path / "parts"), tensors(tmp_path / "merged")
    assert set(index["weight_map"]) == set(ours) == set(single)
    assert index["metadata"]["total_size"] == sum(v.numel() * v.element_size() for v in ours.values())
    assert all(value.equal(single[key]) for key, value in ours.items())
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "parts")
    assert (logits(loaded) - logits(load_peft(tmp_path))).abs().max() <= 2e-4


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", ["llama-3.2-tied", "llama-2"])
def test_an_adapter_on_the_head_unties_it(family, tmp_path):
    make_case(family, tmp_path, r=4, lora_alpha=8, target_modules=["q_proj", "lm_head"])
    wanted = logits(load_peft(tmp_path))
    report = merge(tmp_path)
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert report["untied_head"] == (family == "llama-3.2-tied") and not config["tie_word_embeddings"]
    base, ours = tensors(tmp_path / "base"), tensors(tmp_path / "merged")
    assert ours["model.embed_tokens.weight"].equal(base["model.embed_tokens.weight"])
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    assert (logits(loaded) - wanted).abs().max() <= 2e-4


def test_a_gguf_base_becomes_a_folder_that_transformers_reads(tmp_path):
    base = AutoModelForCausalLM.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name, dtype=torch.float32)
    model = families.random_adapter(base, tmp_path / "adapter", 0.02, part="lora_B", r=8, lora_alpha=16,
                                    target_modules=["v_proj"])
    report = json.loads(run("lore", "merge", "--base", SMOLLM2, "--adapter", tmp_path / "adapter", "--output",
                            tmp_path / "merged", "--json").stdout)
    assert report["dtype"] == "bfloat16" and report["proof"]["verified"] and report["missing_files"] == []
    wanted = {key: value.to(torch.bfloat16) for key, value in model.merge_and_unload().state_dict().items()}
    for key, value in tensors(tmp_path / "merged").items():
        assert (value != wanted[key]).float().mean() <= 1e-4, key
    texts = [*real_text()[:100], "12 345.6 don't <|im_start|>user\n  x\t\u00e9\u4e2d", " ", ""]
    ids = tokenize(SMOLLM2, texts)
    assert tokenize(tmp_path / "merged", texts) == ids
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "merged")
    assert [tokenizer(text)["input_ids"] for text in texts] == ids
    chat = [{"role": "user", "content": "hello"}]
    assert "<|im_start|>user" in tokenizer.apply_chat_template(chat, tokenize=False)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype="auto")
    assert loaded.dtype == torch.bfloat16 and loaded.config.eos_token_id == 2
