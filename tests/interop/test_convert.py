"""`lore convert` against the gguf package, llama.cpp (node-llama-cpp), transformers and PEFT."""

import json

import families
import gguf
import pytest
import torch
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from gguf.quants import dequantize, quantize
from llama_cpp import ask
from lore_program import SMOLLM2, probe, real_text, run, segment
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from test_adapters import CASES
from test_merge import IDS, logits, tensors, tokenize
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

TEXTS = [*real_text()[:60], " leading, and  double  spaces", "line\nbreaks\n\n\tand tabs", "1234567 don't I'LL 3.5%",
         "emoji \U0001F600\U0001F44D\U0001F3FD, rare \u16a0", "", " "]
# Held on 20 prompts of 24 tokens by hand (docs/numbers.md); fewer here, because llama.cpp runs on one thread.
QUESTIONS = 8
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")


def convert(source, to, output, *arguments, check=True):
    result = run("lore", "convert", source, "--to", to, "--output", output, "--json", *arguments, check=check)
    return json.loads(result.stdout) if check else result


def train(tokenizer, trainer):
    tokenizer.train_from_iterator(real_text(), trainer)
    return tokenizer


def byte_level(kind):
    """A small byte-level BPE split as one of the known families splits."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind == "llama-bpe"))
    steps = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=kind in ("gpt-2", "smollm"))
    if kind == "smollm":
        steps = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), steps])
    elif kind in ("llama-bpe", "qwen2"):
        pattern = LLAMA3 if kind == "llama-bpe" else LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
        steps = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), steps])
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = steps
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, trainers.BpeTrainer(vocab_size=600, special_tokens=["<|begin|>", "<|im_end|>"],
                                         initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_tokens([AddedToken("<tool>", normalized=False)])
    if kind == "llama-bpe":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<|begin|> $A", pair="<|begin|> $A $B", special_tokens=[("<|begin|>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|begin|>", eos_token="<|im_end|>")


def sentencepiece():
    """A Llama 2 style tokenizer: spaces as U+2581, bytes for what it does not know."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    specials = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    train(tokenizer, trainers.BpeTrainer(vocab_size=700, special_tokens=specials, show_progress=False,
                                         limit_alphabet=200))
    # Every split of a token is a merge, ranked by the token, as the conversion of a sentencepiece model makes them.
    parts = json.loads(tokenizer.to_str())
    vocabulary = parts["model"]["vocab"]
    made = {}
    for rank, merge in enumerate(parts["model"]["merges"]):
        made.setdefault("".join(merge), rank)
    parts["model"]["merges"] = [[token[:i], token[i:]] for token in made for i in range(len(token) - 1, 0, -1)
                                if token[:i] in vocabulary and token[i:] in vocabulary]
    parts["added_tokens"] = parts["added_tokens"][:3]
    for token in parts["added_tokens"]:
        token["normalized"] = False
    parts["decoder"] = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
        {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    tokenizer = Tokenizer.from_str(json.dumps(parts))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B",
                                                             special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


KINDS = {"gpt-2": lambda: byte_level("gpt-2"), "smollm": lambda: byte_level("smollm"),
         "llama-bpe": lambda: byte_level("llama-bpe"), "qwen2": lambda: byte_level("qwen2"),
         "default": sentencepiece}
KIND_OF = {"qwen": "qwen2", "llama-3": "llama-bpe", "smollm2": "smollm", "rope-yarn-mscale": "qwen2"}


def make(family, folder, kind=None, dtype=torch.float32, **changes):
    """A small random model with a tokenizer that its family has."""
    kind = kind or next((k for start, k in KIND_OF.items() if family.startswith(start)), "default")
    tokenizer = KINDS[kind]()
    name = f"{family}+tokenizer"
    architecture, sizes = families.FAMILIES[family]
    families.FAMILIES[name] = (architecture, dict(sizes, vocab_size=len(tokenizer) + 5, **changes))
    try:
        model = families.make(name, folder).to(dtype)
    finally:
        del families.FAMILIES[name]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model.float()


def greedy_agrees(ours, model, prompts, folder, lora=None, adapter=None, tokens=16):
    """llama.cpp's greedy tokens are the most likely ones by Lore's logits, at every step."""
    answer = ask(model, prompts=prompts, tokens=tokens, lora=lora)
    whole = [segment([*prompt, *generated]) for prompt, generated in zip(prompts, answer["generated"])]
    _, out = probe("logits", ours, "float32", adapter, whole, folder)
    parts = out["logits"].split([len(s["ids"]) for s in whole])
    for prompt, generated, part in zip(prompts, answer["generated"], parts):
        rows = part[len(prompt) - 1 : -1]
        best = rows.max(dim=1).values
        chosen = rows.gather(1, torch.tensor(generated)[:, None])[:, 0]
        assert (best - chosen <= 2e-3 * rows.std()).all(), (prompt, generated, (best - chosen).max())
    return answer


YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32, mscale=0.8, mscale_all_dim=0.6)
PROMPTS = [[1, 17, 300, 44, 5, 290, 31], [261, 270, 280, 290, 300, 310], [5, 6, 7, 8] * 3]


@pytest.mark.parametrize("family", families.FAMILIES)
def test_every_family_runs_in_llama_cpp_as_in_lore(family, tmp_path):
    make(family, tmp_path / "model")
    if family == "rope-yarn-mscale":  # llama.cpp reads no betas here: with its own it can compute the rest
        result = convert(tmp_path / "model", "gguf:f32", tmp_path / "model.gguf", check=False)
        assert result.returncode == 4 and "beta_fast" in result.stderr
        make(family, tmp_path / "model", rope_scaling=YARN)
    report = convert(tmp_path / "model", "gguf:f32", tmp_path / "model.gguf")
    assert report["type"] == "F32" and report["fallbacks"] == []
    short = "window" in family or family == "mistral"  # llama.cpp has no window here: stay within it
    greedy_agrees(tmp_path / "model", tmp_path / "model.gguf", PROMPTS[: 2 if short else 3], tmp_path,
                  tokens=5 if short else 16)
    prompt = [segment(PROMPTS[0] * 4)]
    _, from_folder = probe("logits", tmp_path / "model", "float32", None, prompt, tmp_path)
    _, from_file = probe("logits", tmp_path / "model.gguf", "float32", None, prompt, tmp_path)
    if family == "qwen2-window":  # which layers have the window cannot be said in the file
        assert "sliding window" in report["warnings"][-1]
    else:
        assert (from_folder["logits"] - from_file["logits"]).abs().max() <= 2e-4


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_tokenizer_gives_llama_cpp_and_lore_the_ids_of_transformers(kind, tmp_path):
    make("llama-2", tmp_path / "model", kind)
    report = convert(tmp_path / "model", "gguf:f16", tmp_path / "model.gguf")
    assert report["warnings"] == []
    reader = GGUFReader(tmp_path / "model.gguf")
    assert reader.fields["tokenizer.ggml.pre"].contents() == kind
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    wanted = [tokenizer(text)["input_ids"] for text in TEXTS]
    assert tokenize(tmp_path / "model.gguf", TEXTS) == wanted
    marked = [*TEXTS, f"{tokenizer.eos_token}"]
    plain = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in marked]
    assert ask(tmp_path / "model.gguf", texts=marked)["ids"] == plain
    convert(tmp_path / "model.gguf", "hf", tmp_path / "back")
    again = AutoTokenizer.from_pretrained(tmp_path / "back")
    assert [again(text)["input_ids"] for text in TEXTS] == wanted
    assert (again.bos_token, again.eos_token) == (tokenizer.bos_token, tokenizer.eos_token)
    if kind == "gpt-2":
        assert again.convert_tokens_to_ids("<tool>") == tokenizer.convert_tokens_to_ids("<tool>")


def test_smollm2_merged_to_float32_answers_as_in_lore(tmp_path):
    base = AutoModelForCausalLM.from_pretrained(SMOLLM2.parent, gguf_file=SMOLLM2.name, dtype=torch.float32)
    families.random_adapter(base, tmp_path / "adapter", 0.01, part="lora_B", r=8, lora_alpha=16,
                            target_modules=["q_proj", "v_proj"])
    run("lore", "merge", "--base", SMOLLM2, "--adapter", tmp_path / "adapter", "--output", tmp_path / "merged",
        "--dtype", "float32", "--no-verify")
    questions = real_text()[:QUESTIONS]
    (tmp_path / "questions.txt").write_text("\n".join(questions), encoding="utf-8")
    ids = tokenize(tmp_path / "merged", questions)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "merged")
    # llama.cpp rounds activations to 8 bits when weights are Q8_0, which turns near ties: one token of each is compared.
    for to, tokens, form in (("gguf:f32", 16, "none"), ("gguf:q8_0", 1, "none"), ("gguf:q8_0", 1, "stored")):
        file = tmp_path / f"merged-{to[5:]}-{form}.gguf"
        convert(tmp_path / "merged", to, file)
        printed = run("lore", "generate", "--base", file, "--template", "none", "--dtype", "float32", "--json",
                      "--quantization", form, "--max-new-tokens", tokens, "--prompts", tmp_path / "questions.txt").stdout
        ours = [json.loads(line)["text"].strip() for line in printed.splitlines()]
        answer = ask(file, prompts=ids, tokens=tokens)
        theirs = [tokenizer.decode(row, skip_special_tokens=True).strip() for row in answer["generated"]]
        if to == "gguf:f32":
            assert ours == theirs
        else:
            assert sum(a == b for a, b in zip(ours, theirs, strict=True)) >= 0.8 * len(questions)


@pytest.mark.parametrize("to", ["gguf:f32", "gguf:f16", "gguf:bf16", "gguf:q8_0"])
def test_the_gguf_package_reads_the_numbers_that_it_would_write(to, tmp_path):
    model = make("llama-biases", tmp_path / "model", hidden_size=128, num_attention_heads=4, intermediate_size=80)
    report = convert(tmp_path / "model", to, tmp_path / "model.gguf")
    wanted = GGMLQuantizationType[to[5:].upper()]
    reader = GGUFReader(tmp_path / "model.gguf")
    state = {key: value.numpy() for key, value in model.state_dict().items()}
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 3)
    assert len(reader.tensors) == len(state) == report["tensors"]
    by_name = {tensor.name: tensor for tensor in reader.tensors}
    heads = {"q_proj": 4, "k_proj": 2}
    for key, value in state.items():
        stored = by_name[names.get_name(key, try_suffixes=(".weight", ".bias"))]
        for part, count in heads.items():
            if part in key:  # as LlamaModel.permute of llama.cpp's converter
                value = value.reshape(count, 2, value.shape[0] // count // 2, *value.shape[1:]).swapaxes(1, 2)
                value = value.reshape(state[key].shape)
        kind = wanted if value.ndim == 2 else GGMLQuantizationType.F32
        if kind == GGMLQuantizationType.Q8_0 and value.shape[-1] % 32:
            kind = GGMLQuantizationType.F16
            assert stored.name in report["fallbacks"]
        assert stored.tensor_type == kind, key
        assert stored.data.tobytes() == quantize(value, kind).tobytes(), key
    assert len(report["fallbacks"]) == (3 if to == "gguf:q8_0" else 0)
    assert reader.fields["general.file_type"].contents() == {"f32": 0, "f16": 1, "bf16": 32, "q8_0": 7}[to[5:]]


@pytest.mark.parametrize("family, to", [
    ("llama-3.1", "gguf:f32"), ("llama-3.1", "gguf:f16"), ("llama-3.1", "gguf:bf16"), ("llama-3.2-tied", "gguf:f32"),
    ("mistral", "gguf:f32"), ("qwen2", "gguf:bf16"), ("qwen3", "gguf:f32"), ("rope-yarn", "gguf:f32"),
    ("llama-biases", "gguf:f16"), ("rope-linear", "gguf:f32")])
def test_a_round_trip_gives_the_same_tensors(family, to, tmp_path):
    make(family, tmp_path / "model")
    convert(tmp_path / "model", to, tmp_path / "one.gguf")
    convert(tmp_path / "one.gguf", "hf", tmp_path / "back")
    convert(tmp_path / "back", to, tmp_path / "two.gguf")
    one, two = (GGUFReader(tmp_path / name) for name in ("one.gguf", "two.gguf"))
    assert [t.name for t in one.tensors] == [t.name for t in two.tensors]
    for a, b in zip(one.tensors, two.tensors):
        assert a.tensor_type == b.tensor_type and a.data.tobytes() == b.data.tobytes(), a.name
    ignored = ("general.name", "GGUF.")
    for key, field in one.fields.items():
        if not key.startswith(ignored):
            assert two.fields[key].contents() == field.contents(), key
    if to == "gguf:f32":
        wanted = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
        loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "back", dtype=torch.float32)
        assert (logits(loaded) - logits(wanted)).abs().max() <= 1e-4
        assert all(value.equal(wanted.state_dict()[key]) for key, value in tensors(tmp_path / "back").items())


def make_adapter(family, folder, kind=None, **lora):
    base = make(family, folder / "model", kind)
    return families.random_adapter(base, folder / "adapter", 0.1, **lora)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", ["llama-3.1", "qwen3"])
def test_an_adapter_changes_llama_cpps_answers_as_it_changes_lores(family, case, tmp_path):
    make_adapter(family, tmp_path, **CASES[case])
    convert(tmp_path / "model", "gguf:f32", tmp_path / "model.gguf")
    convert(tmp_path / "adapter", "gguf", tmp_path / "lora.gguf", "--base", tmp_path / "model.gguf")
    changed = greedy_agrees(tmp_path / "model", tmp_path / "model.gguf", PROMPTS, tmp_path, tmp_path / "lora.gguf",
                            tmp_path / "adapter")
    assert changed["generated"] != ask(tmp_path / "model.gguf", prompts=PROMPTS, tokens=16)["generated"]


@pytest.mark.parametrize("to", ["gguf:bf16", "gguf:q8_0"])
def test_a_merge_straight_to_gguf_is_the_float32_merge_converted(to, tmp_path):
    make_adapter("llama-3.1", tmp_path, r=4, lora_alpha=8, target_modules="all-linear")
    adapted = ["--base", tmp_path / "model", "--adapter", tmp_path / "adapter"]
    result = run("lore", "merge", *adapted, "--to", to, "--output", tmp_path / "merged.gguf", "--json")
    run("lore", "merge", *adapted, "--dtype", "float32", "--output", tmp_path / "merged")
    (tmp_path / "apart").mkdir()
    convert(tmp_path / "merged", to, tmp_path / "apart" / "merged.gguf")
    assert (tmp_path / "merged.gguf").read_bytes() == (tmp_path / "apart" / "merged.gguf").read_bytes()
    report = json.loads(result.stdout)
    assert report["proof"]["merged"]["kl"] <= 1e-6 and report["output"] == str(tmp_path / "merged.gguf")
    assert report["gguf"]["type"] == to.removeprefix("gguf:").upper()
    assert 1e-9 < report["gguf"]["rounding"]["kl"] < report["proof"]["adapter_effect"]["kl"]
    assert {path.name for path in tmp_path.iterdir()} == {"model", "adapter", "merged.gguf", "merged", "apart"}
    refused = run("lore", "merge", *adapted, "--to", to, "--output", tmp_path / "merged.gguf", check=False)
    assert refused.returncode == 4 and "--overwrite" in refused.stderr


@pytest.mark.parametrize("arguments, code, message", [
    (["--output", "merged"], 2, "does not end in .gguf"),
    (["--output", "merged.gguf", "--dtype", "bfloat16"], 2, "--to"),
    (["--output", "model"], 2, "model")])
def test_a_merge_to_gguf_that_cannot_be_is_refused_before_anything_is_written(arguments, code, message, tmp_path):
    make_adapter("llama-3.1", tmp_path, r=4, lora_alpha=8, target_modules=["q_proj"])
    result = run("lore", "merge", "--base", tmp_path / "model", "--adapter", tmp_path / "adapter", "--to", "gguf:q8_0",
                 "--output", tmp_path / arguments[1], *arguments[2:], check=False)
    assert result.returncode == code and message in result.stderr, result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"model", "adapter"}


def peft_logits(base, adapter):
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return logits(PeftModel.from_pretrained(model, adapter).eval())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("family", ["mistral", "qwen2", "llama-3.2-tied"])
def test_a_gguf_adapter_comes_back_to_peft(family, case, tmp_path):
    make_adapter(family, tmp_path, **CASES[case])
    convert(tmp_path / "adapter", "gguf:f32", tmp_path / "lora.gguf", "--base", tmp_path / "model")
    convert(tmp_path / "lora.gguf", "peft", tmp_path / "back", "--base", tmp_path / "model", "--base-name", "org/base")
    config = json.loads((tmp_path / "back" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "org/base" and not config.get("use_rslora")
    wanted = peft_logits(tmp_path / "model", tmp_path / "adapter")
    assert (peft_logits(tmp_path / "model", tmp_path / "back") - wanted).abs().max() <= 1e-4
    a = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    b = load_file(tmp_path / "back" / "adapter_model.safetensors")
    assert set(a) == set(b)
    if case not in ("patterns",):  # there the scales were multiplied into B
        assert all(value.equal(b[key]) for key, value in a.items())


def test_an_adapter_of_llama_cpps_layout_without_alpha_has_scale_one(tmp_path):
    make_adapter("llama-2", tmp_path, r=4, lora_alpha=4, target_modules=["q_proj"])
    convert(tmp_path / "adapter", "gguf", tmp_path / "lora.gguf", "--base", tmp_path / "model")
    reader = GGUFReader(tmp_path / "lora.gguf")
    writer = GGUFWriter(tmp_path / "plain.gguf", "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    convert(tmp_path / "plain.gguf", "peft", tmp_path / "back", "--base", tmp_path / "model")
    difference = peft_logits(tmp_path / "model", tmp_path / "back") - peft_logits(tmp_path / "model", tmp_path / "adapter")
    assert difference.abs().max() <= 1e-6


@pytest.mark.parametrize("case", CASES)
def test_a_portable_adapter_computes_what_the_adapter_does(case, tmp_path):
    make_adapter("llama-3.1", tmp_path, **CASES[case])
    convert(tmp_path / "adapter", "portable", tmp_path / "plain", "--base", tmp_path / "model")
    config = json.loads((tmp_path / "plain" / "adapter_config.json").read_text())
    weights = load_file(tmp_path / "plain" / "adapter_model.safetensors")
    assert not config.get("use_rslora") and not config.get("use_dora") and config["bias"] == "none"
    assert not config.get("rank_pattern") and not config.get("alpha_pattern") and isinstance(config["lora_alpha"], int)
    assert isinstance(config["target_modules"], list) and config["base_model_name_or_path"] == "model"
    assert all(key.endswith((".lora_A.weight", ".lora_B.weight")) for key in weights)
    assert {value.shape[0] for key, value in weights.items() if "lora_A" in key} == {config["r"]}
    wanted = peft_logits(tmp_path / "model", tmp_path / "adapter")
    assert (peft_logits(tmp_path / "model", tmp_path / "plain") - wanted).abs().max() <= 1e-4
    _, ours = probe("logits", tmp_path / "model", "float32", tmp_path / "plain", [segment(IDS[0].tolist())], tmp_path)
    assert (ours["logits"] - wanted[0]).abs().max() <= 5e-4


@pytest.mark.parametrize("extra, key", [(dict(use_dora=True), "use_dora"), (dict(bias="lora_only"), "bias"),
                                        (dict(modules_to_save=["lm_head"]), "modules_to_save")])
@pytest.mark.parametrize("to", ["gguf", "portable"])
def test_more_than_lora_is_refused_with_the_advice_to_merge(extra, key, to, tmp_path):
    base = make("llama-biases", tmp_path / "model")
    get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj"],
                                    **extra)).save_pretrained(tmp_path / "adapter")
    result = convert(tmp_path / "adapter", to, tmp_path / ("out.gguf" if to == "gguf" else "out"), "--base",
                     tmp_path / "model", check=False)
    assert result.returncode == 4 and key in result.stderr and "lore merge" in result.stderr
    assert not list(tmp_path.glob("out*"))


EMBEDDINGS = {
    "one-alpha": dict(r=4, lora_alpha=8, target_modules=["q_proj", "embed_tokens"]),
    "scales-folded": dict(r=4, lora_alpha=8, target_modules=["q_proj", "lm_head", "embed_tokens"], use_rslora=True,
                          rank_pattern={"embed_tokens": 3}),
}


@pytest.mark.filterwarnings("ignore")  # PEFT speaks of saved embedding layers
@pytest.mark.parametrize("case", EMBEDDINGS)
def test_an_adapter_on_the_embeddings_goes_to_llama_cpp_and_back(case, tmp_path):
    make_adapter("llama-3.1", tmp_path, **EMBEDDINGS[case])
    convert(tmp_path / "model", "gguf:f32", tmp_path / "model.gguf")
    convert(tmp_path / "adapter", "gguf", tmp_path / "lora.gguf", "--base", tmp_path / "model.gguf")
    shapes = {tensor.name: tuple(tensor.shape) for tensor in GGUFReader(tmp_path / "lora.gguf").tensors}
    rank = EMBEDDINGS[case].get("rank_pattern", {}).get("embed_tokens", 4)  # the gguf package turns shapes round
    vocabulary = json.loads((tmp_path / "model" / "config.json").read_text())["vocab_size"]
    assert shapes["token_embd.weight.lora_a"] == (rank, vocabulary)
    assert shapes["token_embd.weight.lora_b"] == (rank, 64)
    changed = greedy_agrees(tmp_path / "model", tmp_path / "model.gguf", PROMPTS, tmp_path, tmp_path / "lora.gguf",
                            tmp_path / "adapter")
    assert changed["generated"] != ask(tmp_path / "model.gguf", prompts=PROMPTS, tokens=16)["generated"]
    inspected = json.loads(run("lore", "inspect", tmp_path / "lora.gguf", "--json").stdout)
    assert {"module": "token_embd.weight", "rank": rank, "in": 64, "out": vocabulary}.items() <= next(
        module for module in inspected["modules"] if module["module"] == "token_embd.weight").items()
    convert(tmp_path / "lora.gguf", "peft", tmp_path / "back", "--base", tmp_path / "model")
    convert(tmp_path / "adapter", "portable", tmp_path / "plain", "--base", tmp_path / "model")
    wanted = peft_logits(tmp_path / "model", tmp_path / "adapter")
    for folder in ("back", "plain"):
        assert (peft_logits(tmp_path / "model", tmp_path / folder) - wanted).abs().max() <= 1e-4, folder
        weights = load_file(tmp_path / folder / "adapter_model.safetensors")
        assert {key.rsplit(".", 1)[-1] for key in weights if "embed_tokens" in key} == {"lora_embedding_A",
                                                                                       "lora_embedding_B"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("module", ["embed_tokens", "lm_head"])
def test_an_adapter_on_tied_embeddings_is_refused_for_gguf(module, tmp_path):
    make_adapter("qwen2", tmp_path, r=4, lora_alpha=8, target_modules=["q_proj", module])
    result = convert(tmp_path / "adapter", "gguf", tmp_path / "lora.gguf", "--base", tmp_path / "model", check=False)
    assert result.returncode == 4 and f"{module}, and head and embeddings" in result.stderr
    assert not (tmp_path / "lora.gguf").exists()
