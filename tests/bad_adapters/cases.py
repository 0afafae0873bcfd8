"""Adapters with something wrong, each made of one good adapter of a small model.

A case is a function that changes the folder it is given: FOLDER/adapter_config.json, adapter_model.safetensors and
lore_manifest.json of an adapter of rank 4 on q_proj and v_proj of two layers. What Lore says of each is in expected.tsv.
"""

import json
import pickle
import struct

import torch
from safetensors.torch import load_file, save_file

WEIGHTS = "adapter_model.safetensors"
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def config(folder, remove=(), **changes):
    path = folder / "adapter_config.json"
    keys = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in keys.items() if key not in remove}, indent=2))


def weights(folder, edit):
    tensors = edit(load_file(folder / WEIGHTS))
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / WEIGHTS, metadata={"format": "pt"})


def each(folder, edit):
    weights(folder, lambda tensors: {key: edit(key, value) for key, value in tensors.items()})


def renamed(folder, rename):
    weights(folder, lambda tensors: {rename(key): value for key, value in tensors.items()})


def manifest(folder, edit):
    path = folder / "lore_manifest.json"
    keys = json.loads(path.read_text())
    edit(keys)
    path.write_text(json.dumps(keys))


def header(folder):
    data = (folder / WEIGHTS).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def write_header(folder, entries, data):
    text = json.dumps(entries).encode()
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text + data)


FIRST = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
LAST = "base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight"


@case
def good(folder):
    pass


@case
def no_manifest(folder):
    (folder / "lore_manifest.json").unlink()


@case
def bfloat16(folder):
    each(folder, lambda key, value: value.bfloat16())


@case
def float16(folder):
    each(folder, lambda key, value: value.half())


# The base


@case
def base_of_other_width(folder):
    def wider(key, value):
        return torch.zeros(4, 96) + 0.1 if "lora_A" in key else value

    each(folder, wider)


@case
def base_of_other_hash(folder):
    def other(keys):
        keys["hashes"]["base"]["sha256"] = "0" * 64

    manifest(folder, other)


@case
def base_with_more_layers(folder):
    weights(folder, lambda tensors: tensors | {key.replace("layers.1", "layers.2"): value + 0
                                               for key, value in tensors.items() if "layers.1" in key})


@case
def another_architecture(folder):
    renamed(folder, lambda key: key.replace("self_attn.q_proj", "attn.c_attn").replace("model.layers", "transformer.h"))
    config(folder, target_modules=["c_attn", "v_proj"])


@case
def gpt2_names(folder):
    renamed(folder, lambda key: key.replace("model.layers", "transformer.h").replace("self_attn.q_proj", "attn.c_attn")
            .replace("self_attn.v_proj", "mlp.c_proj"))
    config(folder, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)


@case
def base_name_is_a_private_path(folder):
    config(folder, base_model_name_or_path="/home/someone/models/base")


# Rank and scale


@case
def rank_in_config_is_wrong(folder):
    config(folder, r=8)
    (folder / "lore_manifest.json").unlink()


@case
def rank_pattern_contradicts(folder):
    config(folder, rank_pattern={"v_proj": 2})
    (folder / "lore_manifest.json").unlink()


@case
def rank_pattern_matches_nothing(folder):
    config(folder, rank_pattern={"c_attn": 2})
    (folder / "lore_manifest.json").unlink()


@case
def rslora_lost(folder):
    manifest(folder, lambda keys: keys["adapter"].update(use_rslora=True))


@case
def alpha_changed(folder):
    config(folder, lora_alpha=64)


@case
def rank_zero(folder):
    config(folder, r=0)


@case
def rank_negative(folder):
    config(folder, r=-4)


@case
def rank_huge(folder):
    config(folder, r=10**18)
    (folder / "lore_manifest.json").unlink()


@case
def alpha_nan(folder):
    config(folder, lora_alpha=float("nan"))


@case
def alpha_infinite(folder):
    path = folder / "adapter_config.json"
    path.write_text(path.read_text().replace('"lora_alpha": 8', '"lora_alpha": 1e999'))


@case
def alpha_zero(folder):
    config(folder, lora_alpha=0)
    (folder / "lore_manifest.json").unlink()


# Tensors


@case
def nan_in_a(folder):
    def spoil(key, value):
        value[0, 3] = float("nan") if key == FIRST else value[0, 3]
        return value

    each(folder, spoil)


@case
def infinity_in_b(folder):
    def spoil(key, value):
        value[3, 0] = float("inf") if key == LAST else value[3, 0]
        return value

    each(folder, spoil)


@case
def tensor_missing(folder):
    weights(folder, lambda tensors: {key: value for key, value in tensors.items() if key != LAST})


@case
def module_missing(folder):
    weights(folder, lambda tensors: {key: value for key, value in tensors.items() if "layers.1" not in key})


@case
def tensor_extra(folder):
    weights(folder, lambda tensors: tensors | {"base_model.model.model.norm.weight": torch.ones(64)})


@case
def magnitude_without_dora(folder):
    weights(folder, lambda tensors: tensors | {FIRST.replace("lora_A.weight", "lora_magnitude_vector"): torch.ones(64)})


@case
def a_and_b_swapped(folder):
    def swapped(key):
        return key.replace("lora_A", "lora_X").replace("lora_B", "lora_A").replace("lora_X", "lora_B")

    renamed(folder, swapped)


@case
def transposed(folder):
    each(folder, lambda key, value: value.T)


@case
def a_is_a_vector(folder):
    each(folder, lambda key, value: value[0] if key == FIRST else value)


@case
def a_is_empty(folder):
    each(folder, lambda key, value: value[:, :0] if key == FIRST else value)


@case
def b_zero(folder):
    each(folder, lambda key, value: value * 0 if "lora_B" in key else value)


@case
def int8(folder):
    each(folder, lambda key, value: (value * 100).to(torch.int8))


@case
def float64(folder):
    each(folder, lambda key, value: value.double())


@case
def float8(folder):
    each(folder, lambda key, value: value.to(torch.float8_e4m3fn))


# Names


@case
def prefix_missing(folder):
    renamed(folder, lambda key: key.removeprefix("base_model.model."))


@case
def prefix_doubled(folder):
    renamed(folder, lambda key: "base_model.model." + key)


@case
def module_without_model(folder):
    renamed(folder, lambda key: key.replace("base_model.model.model.", "base_model.model."))


@case
def module_with_model_twice(folder):
    renamed(folder, lambda key: key.replace("base_model.model.model.", "base_model.model.model.model."))


@case
def adapter_name_in_keys(folder):
    renamed(folder, lambda key: key.replace(".weight", ".default.weight"))


# The weights file


@case
def weights_truncated(folder):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


@case
def header_too_large(folder):
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", 2**40) + b"{}")


@case
def header_not_json(folder):
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", 8) + b"{tensor}")


@case
def offsets_overlap(folder):
    entries, data = header(folder)
    entries[LAST]["data_offsets"] = [0, 512]
    write_header(folder, entries, data)


@case
def tensor_listed_twice(folder):
    entries, data = header(folder)
    text = json.dumps(entries)
    text = text[:-1] + ", " + json.dumps({FIRST: entries[FIRST]})[1:]
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text.encode() + data)


@case
def weights_empty(folder):
    (folder / WEIGHTS).write_bytes(b"")


@case
def no_tensors(folder):
    save_file({}, folder / WEIGHTS)


@case
def pickle_only(folder):
    (folder / WEIGHTS).unlink()
    (folder / "adapter_model.bin").write_bytes(pickle.dumps({}))


@case
def pickle_named_safetensors(folder):
    (folder / WEIGHTS).write_bytes(pickle.dumps({"weight": 1}, protocol=2))


@case
def weights_missing(folder):
    (folder / WEIGHTS).unlink()


@case
def weights_sharded(folder):
    (folder / WEIGHTS).rename(folder / "adapter_model-00001-of-00001.safetensors")
    (folder / "adapter_model.safetensors.index.json").write_text("{}")


@case
def weights_are_a_folder(folder):
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).mkdir()


@case
def weights_lead_elsewhere(folder):
    (folder / WEIGHTS).rename(folder.parent / "elsewhere.safetensors")
    (folder / WEIGHTS).symlink_to("../elsewhere.safetensors")


@case
def weights_link_is_broken(folder):
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).symlink_to("nowhere")


# The configuration


@case
def config_missing(folder):
    (folder / "adapter_config.json").unlink()


@case
def config_not_json(folder):
    (folder / "adapter_config.json").write_text("{'peft_type': 'LORA'}")


@case
def config_is_a_list(folder):
    (folder / "adapter_config.json").write_text("[]")


@case
def config_with_bom(folder):
    path = folder / "adapter_config.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


@case
def config_with_key_twice(folder):
    path = folder / "adapter_config.json"
    path.write_text(path.read_text().rstrip()[:-1] + ', "r": 16}')


@case
def config_empty(folder):
    (folder / "adapter_config.json").write_text("")


@case
def config_of_mlx(folder):
    (folder / "adapter_config.json").write_text(
        json.dumps({"fine_tune_type": "lora", "num_layers": 2, "lora_parameters": {"rank": 4, "scale": 20.0}}))


@case
def peft_type_ia3(folder):
    config(folder, peft_type="IA3")


@case
def peft_type_missing(folder):
    config(folder, remove=["peft_type"])


@case
def targets_empty(folder):
    config(folder, target_modules=[])


@case
def targets_match_nothing(folder):
    config(folder, target_modules=["c_attn"])


@case
def target_misspelled(folder):
    config(folder, target_modules=["q_porj", "v_proj"])


@case
def target_besides(folder):
    config(folder, target_modules=["q_proj", "v_proj", "query_key_value"])


@case
def target_regex_catastrophic(folder):
    config(folder, target_modules=r"(\w+\.?)+\d\d\d")


@case
def target_regex_broken(folder):
    config(folder, target_modules="*(q_proj")


@case
def fan_in_fan_out(folder):
    config(folder, fan_in_fan_out=True)


@case
def layer_replication(folder):
    config(folder, layer_replication=[[0, 2], [1, 2]])


@case
def megatron(folder):
    config(folder, megatron_config={"tensor_model_parallel_size": 2})


@case
def activated_lora(folder):
    config(folder, alora_invocation_tokens=[1, 2])


@case
def key_unknown(folder):
    config(folder, new_method={"strength": 0.5})


@case
def key_unknown_but_off(folder):
    config(folder, new_method=False, newer_method=None, peft_version="1.7.0")


@case
def runtime_key(folder):
    config(folder, runtime_config={"ephemeral_gpu_offload": True})


@case
def initialization_that_changes_the_base(folder):
    config(folder, init_lora_weights="loftq", loftq_config={"loftq_bits": 4})


@case
def manifest_not_json(folder):
    (folder / "lore_manifest.json").write_text("manifest")


@case
def manifest_without_hashes(folder):
    (folder / "lore_manifest.json").write_text('{"format": 1}')


# The folder


@case
def folder_empty(folder):
    for path in folder.iterdir():
        path.unlink()


@case
def folder_is_a_file(folder):
    folder_empty(folder)
    folder.rmdir()
    folder.write_text("not a folder")
