"""`lore combine` against PEFT's add_weighted_adapter, by the function B A of every module, and as PEFT loads it."""

import itertools
import json
import math

import families
import pytest
import torch
from lore_program import run
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

FAMILY = "qwen3"
EXACT = ["cat", "svd", "linear"]
PRUNING = ["ties", "magnitude_prune", "ties_svd", "magnitude_prune_svd"]
DARE = ["dare_linear", "dare_ties", "dare_linear_svd", "dare_ties_svd"]
IDS = torch.randint(0, 320, (2, 40), generator=torch.Generator().manual_seed(5))

SAME = [dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"])] * 2
CASES = {
    "same": SAME,
    "alphas": [dict(SAME[0]), dict(SAME[0], lora_alpha=3)],
    "rslora": [dict(SAME[0], use_rslora=True), dict(SAME[0], lora_alpha=3)],
    "both rslora": [dict(SAME[0], use_rslora=True), dict(SAME[0], use_rslora=True)],
    "targets": [dict(SAME[0]), dict(SAME[0], target_modules=["v_proj", "down_proj"])],
    "three": [dict(SAME[0]), dict(SAME[0], lora_alpha=3), dict(SAME[0], target_modules=["q_proj", "up_proj"])],
    "regex": [dict(SAME[0], target_modules=r".*\.(0|2)\.self_attn\.q_proj"),
              dict(SAME[0], target_modules=r".*\.v_proj")],
    "items": [dict(SAME[0], target_modules=["layers.0.self_attn.q_proj"]),
              dict(SAME[0], target_modules=["layers.0.self_attn.q_proj", "layers.0.mlp.down_proj"])],
    "layers": [dict(SAME[0], layers_to_transform=[0, 1]), dict(SAME[0], layers_to_transform=[0, 1])],
}
RANKS = {
    "ranks": [dict(SAME[0]), dict(r=7, lora_alpha=4, target_modules=["q_proj", "v_proj"])],
    "patterns": [dict(SAME[0], rank_pattern={"v_proj": 6}, alpha_pattern={r"layers\.1\.self_attn\.q_proj": 5}),
                 dict(SAME[0], use_rslora=True, rank_pattern={"q_proj": 2})],
}
WEIGHTS = [0.7, -0.4, 1.3]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    families.make(FAMILY, folder)
    return folder


def load(base):
    return AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)


def make(base, folder, configs):
    """One random adapter of each configuration; their folders."""
    folders = []
    for number, config in enumerate(configs):
        adapter = folder / f"adapter-{number}"
        families.random_adapter(load(base), adapter, 0.1 + 0.05 * number, **config)
        # Other values than the first adapter's, which comes from the same seed.
        if number:
            tensors = load_file(adapter / "adapter_model.safetensors")
            generator = torch.Generator().manual_seed(number)
            save(adapter, {key: torch.randn(t.shape, generator=generator) * 0.2 for key, t in tensors.items()})
        folders.append(adapter)
    return folders


def save(adapter, tensors):
    from safetensors.torch import save_file

    save_file(tensors, adapter / "adapter_model.safetensors", metadata={"format": "pt"})


def combine(folders, weights, out, *arguments):
    adapters = [part for folder, weight in zip(folders, weights)
                for part in ("--adapter", folder, "--weight", weight)]
    return json.loads(run("lore", "combine", *adapters, "--output", out, "--json", *arguments).stdout)


def peft_model(base, folders):
    model = PeftModel.from_pretrained(load(base), folders[0], adapter_name="a0")
    for number, folder in enumerate(folders[1:], 1):
        model.load_adapter(folder, adapter_name=f"a{number}")
    return model.eval()


def products(model, adapter, scaled):
    """B A of every module that has the adapter; times its scale when that is right."""
    return {name: module.lora_B[adapter].weight.data @ module.lora_A[adapter].weight.data *
            (module.scaling[adapter] if scaled else 1)
            for name, module in model.named_modules() if hasattr(module, "lora_A") and adapter in module.lora_A}


def check_equal(ours, theirs, bound=2e-5):
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        assert (ours[name] - value).abs().max() <= bound * max(1, value.abs().max()), name


def check_against_peft(base, tmp_path, configs, method, density=None, sign="total", rank=None, weights=WEIGHTS):
    folders = make(base, tmp_path, configs)
    weights = weights[:len(folders)]
    arguments = ["--method", method]
    if density is not None:
        arguments += ["--density", density]
    if "ties" in method:
        arguments += ["--majority-sign", sign]
    if rank is not None:
        arguments += ["--rank", rank]
    report = combine(folders, weights, tmp_path / "out", *arguments)
    model = peft_model(base, folders)
    names = [f"a{number}" for number in range(len(folders))]
    model.add_weighted_adapter(names, weights, "sum", combination_type=method, svd_rank=rank, density=density,
                               majority_sign_method=sign)
    # PEFT copies use_rslora, which makes its scale of the result wrong: its matrices are what counts.
    theirs = products(model, "sum", scaled=False)
    model.load_adapter(tmp_path / "out", adapter_name="ours")
    check_equal(products(model, "ours", scaled=True), theirs)
    return model, report, folders


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("case", CASES)
def test_sums_are_pefts(base, case, method, tmp_path):
    model, report, folders = check_against_peft(base, tmp_path, CASES[case], method)
    exact = {}
    for number in range(len(folders)):
        for name, product in products(model, f"a{number}", scaled=True).items():
            exact[name] = exact.get(name, 0) + WEIGHTS[number] * product.double()
    ours = products(model, "ours", scaled=True)
    error = math.sqrt(sum((ours[name].double() - exact[name]).square().sum().item() for name in exact))
    norm = math.sqrt(sum(product.square().sum().item() for product in exact.values()))
    assert report["relative_error"] == pytest.approx(error / norm, rel=1e-4, abs=1e-6)
    assert report["sum_norm"] == pytest.approx(norm, rel=1e-5)
    if method == "cat":
        assert report["relative_error"] <= 1e-6


@pytest.mark.parametrize("method, sign", [(m, "total") for m in PRUNING] + [("ties", "frequency"),
                                                                           ("ties_svd", "frequency")])
@pytest.mark.parametrize("case, density", [("same", 0.3), ("same", 1.0), ("rslora", 0.3), ("three", 0.3),
                                           ("three", 0.75)])
def test_pruning_and_elected_signs_are_pefts(base, case, method, density, sign, tmp_path):
    check_against_peft(base, tmp_path, CASES[case], method, density, sign)


@pytest.mark.parametrize("method", DARE)
def test_dare_that_drops_nothing_is_pefts(base, method, tmp_path):
    check_against_peft(base, tmp_path, CASES["targets"], method, 1.0)


@pytest.mark.parametrize("method", ["cat", "svd", "ties_svd"])
@pytest.mark.parametrize("case", RANKS)
def test_adapters_of_different_ranks_combine(base, case, method, tmp_path):
    folders = make(base, tmp_path, RANKS[case])
    arguments = ["--method", method] + (["--density", 0.5, "--rank", 40] if method == "ties_svd" else [])
    combine(folders, WEIGHTS[:2], tmp_path / "out", *arguments)
    model = peft_model(base, folders)
    if method == "ties_svd":  # PEFT does the same, at a rank that cuts nothing it keeps apart
        model.add_weighted_adapter(["a0", "a1"], WEIGHTS[:2], "sum", combination_type=method, svd_rank=40, density=0.5)
        theirs = products(model, "sum", scaled=False)
    else:
        parts = [products(model, name, scaled=True) for name in ("a0", "a1")]
        theirs = {name: WEIGHTS[0] * parts[0][name] + WEIGHTS[1] * parts[1][name] for name in parts[0]}
        if method == "svd":
            rank = max(t.shape[0] for f in folders for key, t in load_file(f / "adapter_model.safetensors").items()
                       if "lora_A" in key)
            for name, product in theirs.items():
                u, s, vt = torch.linalg.svd(product.double())
                theirs[name] = (u[:, :rank] * s[:rank] @ vt[:rank]).float()
    model.load_adapter(tmp_path / "out", adapter_name="ours")
    check_equal(products(model, "ours", scaled=True), theirs)


@pytest.mark.parametrize("rank", [1, 3, 20, 70])
def test_svd_cuts_to_the_rank_that_is_asked_for(base, rank, tmp_path):
    folders = make(base, tmp_path, CASES["three"])
    report = combine(folders, WEIGHTS, tmp_path / "out", "--method", "svd", "--rank", rank)
    assert report["rank"] == rank
    model = peft_model(base, folders)
    model.load_adapter(tmp_path / "out", adapter_name="ours")
    ours = products(model, "ours", scaled=True)
    for name, product in ours.items():
        parts = [WEIGHTS[i] * p[name] for i in range(3) if name in (p := products(model, f"a{i}", scaled=True))]
        u, s, vt = torch.linalg.svd(sum(parts).double(), full_matrices=False)
        best = u[:, :rank] * s[:rank] @ vt[:rank]
        assert (product - best).abs().max() <= 1e-5, name


def kept(tensor, density):
    return [torch.zeros_like(tensor), tensor / density]


@pytest.mark.parametrize("method", ["dare_linear", "dare_ties"])
def test_each_element_of_dare_is_what_pefts_formula_gives_for_some_mask(base, method, tmp_path):
    """Two adapters: each element is kept or dropped in each, so it must be one of four values, about equally often."""
    folders = make(base, tmp_path, SAME)
    density, weights = 0.5, [0.7, -0.4]
    combine(folders, weights, tmp_path / "out", "--method", method, "--density", density)
    ours = load_file(tmp_path / "out" / "adapter_model.safetensors")
    first, second = (load_file(folder / "adapter_model.safetensors") for folder in folders)
    counts = torch.zeros(4)
    for key, value in ours.items():
        root = [math.sqrt(abs(w * 2)) * (math.copysign(1, w) if "lora_A" in key else 1) for w in weights]
        candidates = []
        for a, b in itertools.product(kept(first[key], density), kept(second[key], density)):
            if method == "dare_linear":
                candidates.append(root[0] * a + root[1] * b)
                continue
            elected = torch.where(a + b >= 0, 1, -1)
            agree = [a.sign() == elected, b.sign() == elected]
            total = root[0] * a * agree[0] + root[1] * b * agree[1]
            candidates.append(total / (agree[0].int() + agree[1].int()).clamp(min=1))
        distance = torch.stack([(value - candidate).abs() for candidate in candidates])
        assert distance.amin(0).max() <= 1e-5, key
        counts += torch.nn.functional.one_hot(distance.argmin(0).flatten(), 4).sum(0)
    shares = counts / counts.sum()
    if method == "dare_linear":  # with elected signs, masks may give the same value
        assert (shares - 0.25).abs().max() <= 0.02, shares


def test_dare_is_the_exact_sum_on_average_and_repeats_with_its_seed(base, tmp_path):
    folders = make(base, tmp_path, SAME)
    combine(folders, [0.7, 0.3], tmp_path / "exact")
    model = peft_model(base, folders)
    model.load_adapter(tmp_path / "exact", adapter_name="exact")
    name, wanted = next(iter(products(model, "exact", scaled=True).items()))
    total = torch.zeros_like(wanted)
    for seed in range(30):
        combine(folders, [0.7, 0.3], tmp_path / "out", "--method", "dare_linear_svd", "--density", 0.5, "--rank", 64,
                "--seed", seed, "--overwrite")
        tensors = load_file(tmp_path / "out" / "adapter_model.safetensors")
        total += tensors[f"{name}.lora_B.weight"] @ tensors[f"{name}.lora_A.weight"]
    # The deviation of the mean of 30: each element has about the size of its own value in the sum.
    assert ((total / 30 - wanted).norm() / wanted.norm()) <= 0.35
    assert torch.nn.functional.cosine_similarity(total.flatten(), wanted.flatten(), dim=0) >= 0.95
    for out in ("one", "two"):
        combine(folders, [0.7, 0.3], tmp_path / out, "--method", "dare_ties", "--density", 0.5)
    one, two = ((tmp_path / out / "adapter_model.safetensors").read_bytes() for out in ("one", "two"))
    assert one == two
    combine(folders, [0.7, 0.3], tmp_path / "other", "--method", "dare_ties", "--density", 0.5, "--seed", 7)
    assert (tmp_path / "other" / "adapter_model.safetensors").read_bytes() != one


@torch.no_grad()
def test_the_combined_adapter_has_the_function_of_the_sum(base, tmp_path):
    configs = [dict(RANKS["patterns"][0]), dict(RANKS["patterns"][1])]
    folders = make(base, tmp_path, configs)
    combine(folders, [0.7, 0.3], tmp_path / "out")
    model = peft_model(base, folders)
    for name, weight in (("a0", 0.7), ("a1", 0.3)):
        for module in model.modules():
            if hasattr(module, "lora_A") and name in module.lora_A:
                module.scaling[name] *= weight
    model.base_model.set_adapter(["a0", "a1"])
    wanted = model(IDS).logits
    ours = PeftModel.from_pretrained(load(base), tmp_path / "out").eval()
    assert (ours(IDS).logits - wanted).abs().max() <= 1e-4
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert not config.get("use_rslora") and config["r"] == config["lora_alpha"]
    assert not config.get("rank_pattern") and not config.get("alpha_pattern") and config["init_lora_weights"] is True


def test_an_adapter_twice_counts_twice_and_alignment_is_told(base, tmp_path):
    folders = make(base, tmp_path, SAME)
    report = combine([folders[0], folders[0], folders[1]], [0.5, 0.25, 1], tmp_path / "out")
    assert report["cosines"][0][1] == pytest.approx(1)
    model = peft_model(base, folders)
    first, second = (products(model, name, scaled=True) for name in ("a0", "a1"))
    flat = [torch.cat([part[name].flatten() for name in first]) for part in (first, second)]
    assert report["cosines"][0][2] == pytest.approx(torch.nn.functional.cosine_similarity(*flat, dim=0).item(), abs=1e-5)
    norms = [flat[place].norm().item() for place in (0, 0, 1)]
    assert [adapter["update_norm"] for adapter in report["adapters"]] == pytest.approx(norms)
    model.load_adapter(tmp_path / "out", adapter_name="ours")
    check_equal(products(model, "ours", scaled=True), {name: 0.75 * first[name] + second[name] for name in first})


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_adapters_combine_in_float32(base, dtype, tmp_path):
    folders = make(base, tmp_path, SAME)
    for folder in folders:
        tensors = load_file(folder / "adapter_model.safetensors")
        save(folder, {key: value.to(dtype) for key, value in tensors.items()})
    combine(folders, [0.7, -0.4], tmp_path / "out", "--method", "ties", "--density", 0.5)
    model = peft_model(base, folders)
    model.add_weighted_adapter(["a0", "a1"], [0.7, -0.4], "sum", combination_type="ties", density=0.5)
    model.load_adapter(tmp_path / "out", adapter_name="ours")
    check_equal(products(model, "ours", scaled=True), products(model, "sum", scaled=False))


def merge(base, folders, weights, out, *arguments):
    adapters = [part for folder, weight in zip(folders, weights)
                for part in ("--adapter", folder, "--weight", weight)]
    return json.loads(run("lore", "merge", "--base", base, *adapters, "--output", out, "--json", *arguments).stdout)


def weights_of(folder):
    return {key: value for file in sorted(folder.glob("*.safetensors")) for key, value in load_file(file).items()}


@pytest.mark.parametrize("case", ["three", "patterns"])
def test_several_adapters_merge_at_once_with_one_rounding(base, case, tmp_path):
    configs = (CASES | RANKS)[case]
    folders = make(base, tmp_path, configs)
    weights = WEIGHTS[:len(folders)]
    report = merge(base, folders, weights, tmp_path / "out")
    assert [part["weight"] for part in report["parts"]] == weights and report["proof"]["verified"]
    model = peft_model(base, folders)
    parts = [products(model, f"a{number}", scaled=True) for number in range(len(folders))]
    before, after = weights_of(base), weights_of(tmp_path / "out")
    for key, value in after.items():
        name = "base_model.model." + key.removesuffix(".weight")
        wanted = before[key].double() + sum(w * part[name].double() for w, part in zip(weights, parts) if name in part)
        assert (value - wanted).abs().max() <= 1e-6, key


def test_a_single_weight_scales_the_update(base, tmp_path):
    folders = make(base, tmp_path, SAME)[:1]
    merge(base, folders, [1], tmp_path / "one")
    merge(base, folders, [0.5], tmp_path / "half")
    before, one, half = weights_of(base), weights_of(tmp_path / "one"), weights_of(tmp_path / "half")
    assert all((half[key] - (before[key] + one[key]) / 2).abs().max() <= 1e-6 for key in before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_what_was_merged_can_be_taken_out(base, dtype, tmp_path):
    load(base).to(dtype).save_pretrained(tmp_path / "base")
    folders = make(base, tmp_path, CASES["targets"])
    merge(tmp_path / "base", folders, [0.7, -0.4], tmp_path / "merged")
    report = merge(tmp_path / "merged", folders, [0.7, -0.4], tmp_path / "out", "--subtract", "--original",
                   tmp_path / "base")
    assert report["operation"] == "subtract" and report["base"]["binding"] == "merged with it"
    assert report["proof"]["verified"]
    before, after = weights_of(tmp_path / "base"), weights_of(tmp_path / "out")
    differing = sum(int((after[key] != before[key]).sum()) for key in before)
    largest = max((after[key].double() - before[key].double()).abs().max().item() for key in before)
    assert report["restoration"]["original"]["differing_elements"] == differing
    assert report["restoration"]["original"]["max_abs"] == pytest.approx(largest)
    # Two roundings, each at most half a step of the larger of the values.
    top = max(value.abs().max().item() for folder in ("base", "merged") for value in weights_of(tmp_path / folder).values())
    assert largest <= 2 * top * torch.finfo(dtype).eps
    adapted = [key for key in before if not after[key].equal(before[key])]
    assert all("q_proj" in key or "v_proj" in key or "down_proj" in key for key in adapted)


def test_one_of_two_adapters_can_be_taken_out(base, tmp_path):
    folders = make(base, tmp_path, CASES["targets"])
    merge(base, folders, [0.7, 0.3], tmp_path / "both")
    merge(base, folders[:1], [0.7], tmp_path / "first")
    merge(tmp_path / "both", folders[1:], [0.3], tmp_path / "out", "--subtract")
    wanted, ours = weights_of(tmp_path / "first"), weights_of(tmp_path / "out")
    assert all((ours[key] - wanted[key]).abs().max() <= 1e-6 for key in wanted)


def test_a_head_that_was_untied_by_a_merge_is_given_back(tmp_path):
    families.make("llama-3.2-tied", tmp_path / "base")
    families.random_adapter(load(tmp_path / "base"), tmp_path / "adapter", 0.05, r=4, lora_alpha=8,
                            target_modules=["q_proj", "lm_head"])
    merge(tmp_path / "base", [tmp_path / "adapter"], [1], tmp_path / "merged")
    report = merge(tmp_path / "merged", [tmp_path / "adapter"], [1], tmp_path / "out", "--subtract", "--original",
                   tmp_path / "base")
    assert report["restoration"]["original"]["max_abs"] <= 1e-6
    ours = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    with torch.no_grad():
        assert (ours(IDS).logits - load(tmp_path / "base")(IDS).logits).abs().max() <= 1e-4


def extract(base, tuned, out, *arguments):
    return json.loads(run("lore", "extract", "--base", base, "--tuned", tuned, "--output", out, "--json",
                          *arguments).stdout)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extraction_gives_back_what_was_merged(base, dtype, tmp_path):
    load(base).to(dtype).save_pretrained(tmp_path / "base")
    folder = make(base, tmp_path, [dict(r=6, lora_alpha=12, target_modules=["q_proj", "down_proj"])])[0]
    merge(tmp_path / "base", [folder], [1], tmp_path / "merged")
    report = extract(tmp_path / "base", tmp_path / "merged", tmp_path / "out", "--rank", 6)
    assert report["left_out"] == []
    model = peft_model(tmp_path / "base", [folder])
    model.load_adapter(tmp_path / "out", adapter_name="ours")
    theirs, ours = products(model, "a0", scaled=True), products(model, "ours", scaled=True)
    assert set(ours) == set(theirs)
    for name, wanted in theirs.items():
        assert (ours[name] - wanted).norm() <= (1e-5 if dtype == torch.float32 else 0.05) * wanted.norm(), name
    before, after = weights_of(tmp_path / "base"), weights_of(tmp_path / "merged")
    total = residual = 0
    for name, product in ours.items():
        key = name.removeprefix("base_model.model.") + ".weight"
        difference = after[key].double() - before[key].double()
        total += difference.square().sum().item()
        residual += (difference - product.double()).square().sum().item()
    assert report["explained"] == pytest.approx(1 - residual / total, abs=1e-6)
    assert report["proof"]["kl_to_tuned"] <= report["proof"]["kl_to_base"] / (1e4 if dtype == torch.float32 else 10)


def tuned_everywhere(base, folder):
    """A model in which every parameter differs, of full rank."""
    model = load(base)
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.01)
    model.save_pretrained(folder)


def test_extraction_is_the_best_of_its_rank_and_names_what_it_leaves(base, tmp_path):
    tuned_everywhere(base, tmp_path / "tuned")
    report = extract(base, tmp_path / "tuned", tmp_path / "out", "--rank", 5, "--target", "v_proj", "--target", "o_proj")
    before, after = weights_of(base), weights_of(tmp_path / "tuned")
    ours = load_file(tmp_path / "out" / "adapter_model.safetensors")
    squares = {key: (after[key].double() - before[key].double()).square().sum().item() for key in before}
    for module in report["modules"]:
        key = module["name"] + ".weight"
        s = torch.linalg.svdvals(after[key].double() - before[key].double())
        assert module["explained"] == pytest.approx((s[:5].square().sum() / s.square().sum()).item(), abs=1e-5)
        a, b = (ours[f"base_model.model.{module['name']}.lora_{m}.weight"] for m in "AB")
        assert torch.allclose(a.norm(dim=1), b.norm(dim=0), rtol=1e-3)  # the roots are on both sides
    adapted = {module["name"] + ".weight" for module in report["modules"]}
    assert {tensor["name"] for tensor in report["left_out"]} == set(before) - adapted
    for tensor in report["left_out"]:
        assert tensor["share"] == pytest.approx(squares[tensor["name"]] / sum(squares.values()), rel=1e-4)
    explained = sum(squares[m["name"] + ".weight"] * m["explained"] for m in report["modules"])
    assert report["explained_of_all"] == pytest.approx(explained / sum(squares.values()), rel=1e-4)


def test_the_rank_of_each_module_can_follow_from_a_share(base, tmp_path):
    tuned_everywhere(base, tmp_path / "tuned")
    report = extract(base, tmp_path / "tuned", tmp_path / "out", "--explain", 0.8)
    before, after = weights_of(base), weights_of(tmp_path / "tuned")
    model = peft_model(base, [tmp_path / "out"])
    ours = products(model, "a0", scaled=True)
    for module in report["modules"]:
        key = module["name"] + ".weight"
        difference = after[key].double() - before[key].double()
        shares = torch.linalg.svdvals(difference).square().cumsum(0) / difference.square().sum()
        assert module["rank"] == int((shares < 0.8).sum()) + 1
        residual = (difference - ours["base_model.model." + module["name"]].double()).square().sum()
        assert 1 - residual / difference.square().sum() >= 0.8 - 1e-5
    assert len({module["rank"] for module in report["modules"]}) > 1


def test_a_few_changed_layers_are_targeted_by_their_full_names(base, tmp_path):
    model = load(base)
    with torch.no_grad():
        model.model.layers[1].self_attn.q_proj.weight.add_(0.01)
    model.save_pretrained(tmp_path / "tuned")
    report = extract(base, tmp_path / "tuned", tmp_path / "out", "--rank", 2)
    assert [module["name"] for module in report["modules"]] == ["model.layers.1.self_attn.q_proj"]
    ours = PeftModel.from_pretrained(load(base), tmp_path / "out").eval()
    with torch.no_grad():
        assert (ours(IDS).logits - model(IDS).logits).abs().max() <= 1e-4
