"""The start that EVA finds in the data, beside PEFT's on the same batches."""

import json

import pytest
import torch
from lore_program import run
from peft import EvaConfig, LoraConfig, PeftModel, get_peft_model, initialize_lora_eva_weights
from peft.tuners.lora import LoraLayer
from peft.utils.incremental_pca import IncrementalPCA
from safetensors.torch import load_file
from test_methods import load_without_a_word, setting, train  # noqa: F401 (setting is a fixture)
from test_training import metrics, previewed_examples
from transformers import AutoModelForCausalLM

# Where k_proj and v_proj bid alike for the last rank, PEFT's sort gives it to either: one of the two is left out.
ONE_OF_EACH = ["q_proj", "k_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
CASES = {
    "ranks-shared-out": dict(r=4, lora_alpha=8, target_modules=ONE_OF_EACH),
    "ranks-kept": dict(r=4, lora_alpha=8, target_modules="all-linear", eva_config={"rho": 1.0}),
    "patterns-and-all-tokens": dict(r=2, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj", "lm_head"],
                                    rank_pattern={"v_proj": 3}, alpha_pattern={r".*layers\.1\..*": 5}, use_rslora=True,
                                    eva_config={"rho": 3.0, "use_label_mask": False}),
    "alphas-kept": dict(r=4, lora_alpha=8, target_modules=["o_proj", "gate_proj", "up_proj"],
                        eva_config={"adjust_scaling_factors": False}),
    "modules-left-out": dict(r=1, lora_alpha=2, target_modules=ONE_OF_EACH, eva_config={"rho": 8.0}),
}


class Batches(list):
    """Padded batches of four examples, as a data loader gives them."""

    def __init__(self, examples):
        for first in range(0, len(examples), 4):
            batch = examples[first : first + 4]
            width = max(len(ids) for ids, _ in batch)
            self.append({
                "input_ids": torch.tensor([ids + [0] * (width - len(ids)) for ids, _ in batch]),
                "attention_mask": torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in batch]),
                "labels": torch.tensor([labels + [-100] * (width - len(labels)) for _, labels in batch])})


def peft_start(setting, examples, eva_config=None, **lora):  # noqa: F811
    base = AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", init_lora_weights="eva",
                                            eva_config=EvaConfig(**(eva_config or {})), **lora))
    initialize_lora_eva_weights(model, Batches(examples), show_progress_bar=False)
    return model


def train_from_eva(folder, setting, adapter, **training):  # noqa: F811
    return train(folder, setting, {"init_lora_weights": "eva", **adapter},
                 {"lr_scheduler_type": "constant", **training})


@pytest.mark.filterwarnings("ignore")  # PEFT speaks of tied weights and of lm_head
@pytest.mark.parametrize("case, exact", [*((case, True) for case in CASES), ("ranks-shared-out", False)])
def test_eva_starts_with_the_ranks_and_the_subspaces_of_peft(setting, case, exact, monkeypatch, tmp_path):  # noqa: F811
    if exact:  # PEFT's randomized SVD turns components that explain about as much into one another
        monkeypatch.setattr(IncrementalPCA, "_svd_fn_lowrank", IncrementalPCA._svd_fn_full)
    path = train_from_eva(tmp_path, setting, CASES[case], max_steps=1, learning_rate=1e-12)
    model = peft_start(setting, previewed_examples(path), **CASES[case])
    model.save_pretrained(tmp_path / "peft")
    ours, theirs = (json.loads((folder / "adapter_config.json").read_text())
                    for folder in (tmp_path / "run" / "adapter", tmp_path / "peft"))
    assert ours.get("rank_pattern", {}) == theirs["rank_pattern"]
    assert bool(theirs["rank_pattern"]) == (case != "ranks-kept")
    assert ours.get("alpha_pattern", {}) == pytest.approx(theirs["alpha_pattern"])
    assert ours["init_lora_weights"] is True
    ours, theirs = (load_file(folder / "adapter_model.safetensors") for folder in (tmp_path / "run" / "adapter",
                                                                                   tmp_path / "peft"))
    ours, theirs = ({key: value for key, value in side.items() if "lora_" in key} for side in (ours, theirs))
    assert set(ours) == set(theirs)
    for key, a in theirs.items():
        assert ours[key].shape == a.shape, key
        if "lora_A" in key:
            assert (ours[key] @ ours[key].T - torch.eye(len(a))).abs().max() <= 1e-4, key
            assert not exact or (ours[key] @ a.T).norm() ** 2 >= 0.9999 * len(a), key
    # The scales are PEFT's, too, where it reads the files.
    loaded = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(setting / "model", dtype=torch.float32),
                                       tmp_path / "run" / "adapter")
    scales, wanted = ({name: module.scaling["default"] for name, module in side.named_modules()
                       if isinstance(module, LoraLayer)} for side in (loaded, model))
    assert scales and scales == pytest.approx(wanted)


def test_training_from_eva_starts_as_no_change_and_learns(setting, tmp_path):  # noqa: F811
    for name, init in (("plain", True), ("eva", "eva")):
        (tmp_path / name).mkdir()
        train_from_eva(tmp_path / name, setting, {"r": 4, "use_dora": True, "init_lora_weights": init}, max_steps=8,
                       learning_rate=1e-3)
    plain, eva = metrics(tmp_path / "plain" / "run"), metrics(tmp_path / "eva" / "run")
    assert plain[0]["loss"] == pytest.approx(eva[0]["loss"], rel=1e-6)
    assert eva[-1]["loss"] < eva[0]["loss"]
    load_without_a_word(setting / "model", tmp_path / "eva" / "run" / "adapter")
    assert eva[0]["grad_norm"] != pytest.approx(plain[0]["grad_norm"], rel=0.05)


def test_batches_too_small_for_the_components_are_an_error(setting, tmp_path):  # noqa: F811
    path = train_from_eva(tmp_path, setting, {"r": 4}, max_steps=1)
    result = run("lore", "train", path, "--set", "adapter.r=30", "--set", "training.batch_size=1", "--overwrite",
                 check=False)
    assert result.returncode == 2 and "raise training.batch_size" in result.stderr, result.stderr
    result = run("lore", "train", path, "--set", "adapter.r=40", "--overwrite", check=False)
    assert result.returncode == 2 and "more than the 64 inputs of" in result.stderr, result.stderr
