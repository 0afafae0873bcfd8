"""`lore quantize` against the gguf package, llama.cpp (node-llama-cpp), and transformers with compressed-tensors."""

import json
import struct

import gguf
import llama_cpp
import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFReader
from gguf.quants import dequantize, quantize
from lore_program import probe, real_text, run, segment
from test_convert import PROMPTS, make
from transformers import AutoModelForCausalLM, AutoTokenizer

LEGACY = ["q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
WIDE = dict(hidden_size=256, intermediate_size=512, num_attention_heads=4, num_hidden_layers=8)


def lore_quantize(model, form, output, *arguments):
    result = run("lore", "quantize", "--model", model, "--format", form, "--output", output, "--json", *arguments)
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A small model whose widths are multiples of 256, as a folder and as a GGUF file of float32."""
    folder = tmp_path_factory.mktemp("wide")
    make("llama-3.1", folder / "model", **WIDE)
    run("lore", "convert", folder / "model", "--to", "gguf:f32", "--output", folder / "f32.gguf")
    return folder


def tensors_of(file):
    return {tensor.name: tensor for tensor in GGUFReader(file).tensors}


@pytest.mark.parametrize("form", [*LEGACY, "q6_k", "q5_k_m", "q4_k_m"])
def test_tensors_have_the_types_of_llama_cpps_own_quantize_and_lose_no_more(form, wide, tmp_path):
    report = lore_quantize(wide / "model", f"gguf:{form}", tmp_path / "ours.gguf")
    llama_cpp.quantize(wide / "f32.gguf", tmp_path / "theirs.gguf", form)
    ours, theirs, exact = (tensors_of(f) for f in (tmp_path / "ours.gguf", tmp_path / "theirs.gguf", wide / "f32.gguf"))
    assert list(ours) == list(exact) and report["tensors"] == len(ours) and report["fallbacks"] == []
    lost = {True: 0.0, False: 0.0}
    for name, tensor in exact.items():
        assert ours[name].tensor_type == theirs[name].tensor_type, name
        kind = ours[name].tensor_type
        if kind.name.startswith("Q") and not kind.name.endswith("_K"):
            assert ours[name].data.tobytes() == quantize(tensor.data, kind).tobytes(), name
        for own, stored in ((True, ours[name]), (False, theirs[name])):
            lost[own] += float(((dequantize(stored.data, kind).reshape(tensor.data.shape) - tensor.data) ** 2).sum())
    assert lost[True] <= 1.0001 * lost[False]
    assert report["type"] == form.upper() and report["evaluation"]["kl"] > 0
    own, wanted = (GGUFReader(tmp_path / f"{which}.gguf").fields["general.file_type"].contents()
                   for which in ("ours", "theirs"))
    assert own == wanted


@pytest.mark.parametrize("form", ["q4_k_m", "q4_0", "q6_k"])
def test_widths_that_do_not_fit_fall_back_as_llama_cpps_do(form, tmp_path):
    make("smollm2", tmp_path / "model", num_hidden_layers=8, intermediate_size=512)
    run("lore", "convert", tmp_path / "model", "--to", "gguf:f32", "--output", tmp_path / "f32.gguf")
    report = lore_quantize(tmp_path / "model", f"gguf:{form}", tmp_path / "ours.gguf")
    llama_cpp.quantize(tmp_path / "f32.gguf", tmp_path / "theirs.gguf", form)
    ours, theirs = tensors_of(tmp_path / "ours.gguf"), tensors_of(tmp_path / "theirs.gguf")
    assert {n: t.tensor_type for n, t in ours.items()} == {n: t.tensor_type for n, t in theirs.items()}
    listed = {fallback["tensor"]: fallback["stored"] for fallback in report["fallbacks"]}
    assert listed["token_embd.weight"] == "Q8_0"
    assert all(ours[name].tensor_type.name == kind for name, kind in listed.items())


@pytest.mark.parametrize("form", ["q8_0", "q4_0", "q5_1", "q4_k_m", "q5_k_m", "q6_k"])
def test_llama_cpp_answers_as_lore_does_from_the_same_file(form, wide, tmp_path):
    lore_quantize(wide / "model", f"gguf:{form}", tmp_path / "model.gguf", "--no-verify")
    answer = llama_cpp.ask(tmp_path / "model.gguf", prompts=PROMPTS, tokens=4)
    whole = [segment([*prompt, *generated]) for prompt, generated in zip(PROMPTS, answer["generated"])]
    _, out = probe("logits", tmp_path / "model.gguf", "float32", None, whole, tmp_path)
    for prompt, generated, part in zip(PROMPTS, answer["generated"], out["logits"].split([len(s["ids"]) for s in whole])):
        rows = part[len(prompt) - 1 : -1]
        chosen = rows.gather(1, torch.tensor(generated)[:, None])[:, 0]
        # llama.cpp rounds activations to 8 bits, which turns near ties.
        assert (rows.max(dim=1).values - chosen <= 0.1 * rows.std()).all(), (prompt, generated)


@pytest.mark.parametrize("form, layout, group", [("w8a16", "pack-quantized", None), ("w4a16", "pack-quantized", 128),
                                                 ("w8a8", "int-quantized", None)])
def test_transformers_loads_a_folder_of_compressed_tensors(form, layout, group, wide, tmp_path):
    report = lore_quantize(wide / "model", f"hf:{form}", tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())["quantization_config"]
    weights = config["config_groups"]["group_0"]["weights"]
    assert config["format"] == layout and weights["group_size"] == group and weights["num_bits"] == int(form[1])
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32).eval()
    ids = torch.tensor([PROMPTS[0] * 3])
    with torch.no_grad():
        theirs = loaded(ids).logits[0]
    _, out = probe("logits", tmp_path / "model", "float32", None, [segment(ids[0].tolist())], tmp_path)
    if form == "w8a8":  # its activations are rounded to 8 bits there
        assert (out["logits"] - theirs).abs().mean() <= 0.05 * theirs.std()
    else:
        assert (out["logits"] - theirs).abs().max() <= 2e-4
    assert 0 < report["evaluation"]["kl"] < (0.2 if form == "w4a16" else 0.002)
    assert AutoTokenizer.from_pretrained(tmp_path / "model")("text")["input_ids"]


def test_widths_of_96_get_groups_of_32(tmp_path):
    make("smollm2", tmp_path / "model", intermediate_size=256)
    lore_quantize(tmp_path / "model", "hf:w4a16", tmp_path / "quantized")
    groups = json.loads((tmp_path / "quantized" / "config.json").read_text())["quantization_config"]["config_groups"]
    assert {group["weights"]["group_size"] for group in groups.values()} == {32, 128}
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "quantized", dtype=torch.float32).eval()
    ids = torch.tensor([PROMPTS[0] * 3])
    with torch.no_grad():
        theirs = loaded(ids).logits[0]
    _, out = probe("logits", tmp_path / "quantized", "float32", None, [segment(ids[0].tolist())], tmp_path)
    assert (out["logits"] - theirs).abs().max() <= 2e-4


def legacy_entries(path):
    """{name: means of x^2} of llama.cpp's older importance files."""
    data, place = path.read_bytes(), 0

    def number():
        nonlocal place
        place += 4
        return struct.unpack_from("<i", data, place - 4)[0]

    entries = {}
    for _ in range(number()):
        length = number()
        name, place = data[place : place + length].decode(), place + length
        calls, count = number(), number()
        entries[name] = np.frombuffer(data, "<f4", count, place) / calls
        place += 4 * count
    number()
    assert number() == len(data) - place
    return entries


def test_the_importance_is_the_mean_square_of_what_transformers_multiplies(wide, tmp_path):
    text = "\n".join(real_text()[:40])
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    arguments = ["--calibration", tmp_path / "text.txt", "--calibration-tokens", 100, "--no-verify"]
    for name in ("imatrix.gguf", "imatrix.dat"):
        lore_quantize(wide / "model", "gguf:q4_0", tmp_path / "one.gguf", *arguments, "--save-imatrix", tmp_path / name,
                      "--overwrite")
    model = AutoModelForCausalLM.from_pretrained(wide / "model", dtype=torch.float32).eval()
    ids = AutoTokenizer.from_pretrained(wide / "model")(text)["input_ids"][:100]
    names, squares = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, WIDE["num_hidden_layers"]), {}
    for name, module in model.model.layers.named_modules(prefix="model.layers"):
        if isinstance(module, torch.nn.Linear):
            key = names.get_name(f"{name}.weight", try_suffixes=(".weight",))
            module.register_forward_hook(
                lambda _, inputs, __, key=key: squares.update({key: inputs[0][0].square().mean(0).numpy()}))
    with torch.no_grad():
        model(torch.tensor([ids]))
    stored = tensors_of(tmp_path / "imatrix.gguf")
    older = legacy_entries(tmp_path / "imatrix.dat")
    assert set(older) == set(squares) and len(stored) == 2 * len(squares)
    for name, wanted in squares.items():
        means = stored[f"{name}.in_sum2"].data.ravel() / stored[f"{name}.counts"].data.ravel()
        assert np.allclose(means, wanted, rtol=1e-3, atol=1e-6) and np.allclose(older[name], wanted, rtol=1e-3, atol=1e-6)
    results = []
    for name in ("imatrix.gguf", "imatrix.dat"):
        report = lore_quantize(wide / "model", "gguf:q4_0", tmp_path / f"{name}.gguf", "--imatrix", tmp_path / name,
                               "--no-verify")
        assert report["method"] == "importance" and report["calibration"]["text"] == name
        results.append((tmp_path / f"{name}.gguf").read_bytes())
    plain = tmp_path / "plain.gguf"
    lore_quantize(wide / "model", "gguf:q4_0", plain, "--no-verify")
    assert plain.read_bytes() not in results
    assert tensors_of(tmp_path / "one.gguf")["blk.0.ffn_down.weight"].tensor_type == GGMLQuantizationType.Q4_1
