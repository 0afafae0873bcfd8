"""`lore train` as a user runs it: outputs, refusals, interruption, exit codes."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest
import transformers
from lore_program import BIN, run
from safetensors.torch import load_file, save_file

OK, USAGE, INPUT, REFUSED, DIVERGED = 0, 2, 3, 4, 6


def train(recipe, *arguments, check=True):
    return run("lore", "train", recipe, *arguments, check=check)


def test_a_run_leaves_everything_it_promises(recipe):
    result = train(recipe, "--set", "training.checkpoint_every_steps=3")
    folder = recipe.parent / "run"
    for name in ("adapter/adapter_config.json", "adapter/adapter_model.safetensors", "adapter/README.md",
                 "adapter/lore_manifest.json", "best/adapter_model.safetensors", "best/lore_manifest.json",
                 "recipe.yaml", "run.json", "metrics.jsonl", "loss.svg",
                 "checkpoints/step-000003/adapter_model.safetensors",
                 "checkpoints/step-000006/adapter_model.safetensors", "checkpoints/step-000006/lore_manifest.json"):
        assert (folder / name).is_file(), name
    assert "4 modules: q_proj x 2, v_proj x 2" in result.stderr
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [m["step"] for m in lines if m["kind"] == "train"] == [1, 2, 3, 4, 5, 6]
    assert [m["step"] for m in lines if m["kind"] == "validation"] == [0, 2, 4, 6]
    facts = json.loads((folder / "run.json").read_text())
    assert facts["exit"]["reason"] == "finished" and facts["exit"]["steps"] == 6
    assert len(facts["hashes"]["base"]["sha256"]) == 64 and facts["versions"]["torch"]
    assert not [p for p in folder.iterdir() if ".tmp" in p.name or ".old" in p.name]
    # The resolved recipe is a recipe: it gives the same adapter again.
    again = recipe.parent / "again"
    train(folder / "recipe.yaml", "--output", again)
    adapter = "adapter/adapter_model.safetensors"
    assert (again / adapter).read_bytes() == (folder / adapter).read_bytes()


def test_json_prints_one_object_on_stdout(recipe):
    result = train(recipe, "--json")
    outcome = json.loads(result.stdout)
    assert outcome["steps"] == 6 and outcome["last_validation_loss"] < outcome["first_validation_loss"]


def test_a_dry_run_writes_nothing(recipe):
    result = train(recipe, "--dry-run")
    assert not (recipe.parent / "run").exists()
    assert "ready" in result.stderr


def test_a_folder_in_use_is_refused_and_overwrite_keeps_foreign_files(recipe):
    train(recipe)
    (recipe.parent / "run" / "notes.txt").write_text("mine")
    refused = train(recipe, check=False)
    assert refused.returncode == REFUSED and "--overwrite" in refused.stderr
    train(recipe, "--overwrite")
    assert (recipe.parent / "run" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_saves_the_adapter_so_far(recipe, number, code):
    process = subprocess.Popen([BIN / "lore", "train", recipe, "--set", "training.max_steps=100000"],
                               stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    for line in process.stderr:
        if "step 3/" in line:
            break
    process.send_signal(number)
    assert process.wait(timeout=60) == code
    process.stderr.close()
    folder = recipe.parent / "run"
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()
    facts = json.loads((folder / "run.json").read_text())
    assert facts["exit"]["reason"] == "signal" and facts["exit"]["steps"] >= 3


def test_divergence_is_named_and_has_its_exit_code(recipe):
    result = train(recipe, "--set", "training.learning_rate=1", "--set", "adapter.lora_alpha=1e30", check=False)
    assert result.returncode == DIVERGED
    assert "not finite" in result.stderr and "train.jsonl:" in result.stderr


@pytest.fixture
def poisoned(recipe, model):
    """The model with an embedding that is no number, of a token that stands in one row of the data alone."""
    folder = recipe.parent / "poisoned"
    shutil.copytree(model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    tensors = load_file(folder / "model.safetensors")
    embeddings = tensors["model.embed_tokens.weight"]
    tensors["lm_head.weight"] = embeddings.clone()
    token = transformers.AutoTokenizer.from_pretrained(folder).encode("~")[-1]
    embeddings[token] = float("nan")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    rows = [json.dumps({"prompt": "a", "completion": text}) for text in ("b", "c", "d", "~", "e", "f")]
    (recipe.parent / "train.jsonl").write_text("\n".join(rows))
    return ["--set", f"model.path={folder}", "--set", "training.batch_size=1", "--set", "data.shuffle=false", "--set",
            "training.max_steps=6"]


def test_a_loss_that_is_no_number_is_named_by_step_place_and_row_and_may_be_skipped(recipe, poisoned):
    result = train(recipe, *poisoned, check=False)
    assert result.returncode == DIVERGED
    assert "step 4: the loss is not finite (first in the embeddings; rows " in result.stderr
    assert "train.jsonl:4)" in result.stderr
    folder = recipe.parent / "run"
    assert (folder / "checkpoints/step-000003/checkpoint.json").is_file() and not (folder / "adapter").exists()
    resumed = train(recipe, *poisoned, "--resume", "--set", "training.on_nonfinite=skip", "--json")
    outcome = json.loads(resumed.stdout)
    assert (outcome["resumed_step"], outcome["steps"], outcome["skipped_steps"]) == (3, 6, 1)
    assert "step 4/6 was left out: the loss is not finite" in resumed.stderr
    skipped = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines() if '"skipped"' in line]
    assert [row["step"] for row in skipped] == [4] and "train.jsonl:4" in skipped[0]["why"]
    assert all(value.isfinite().all() for value in load_file(folder / "adapter/adapter_model.safetensors").values())
    inspected = run("lore", "inspect", folder, "--json")
    assert "step 4 was left out" in json.loads(inspected.stdout)["warnings"][0]


def test_a_run_that_skips_every_step_has_failed(recipe):
    result = train(recipe, "--set", "training.learning_rate=1", "--set", "adapter.lora_alpha=1e30", "--set",
                   "training.on_nonfinite=skip", "--set", "training.max_steps=30", check=False)
    assert result.returncode == DIVERGED and "as in the 10 steps before" in result.stderr


def test_early_stopping_keeps_the_best_adapter(recipe):
    result = train(recipe, "--set", "training.learning_rate=0.5", "--set", "training.max_steps=60",
                   "--set", "evaluation.early_stopping_patience=2", "--json")
    outcome = json.loads(result.stdout)
    assert outcome["steps"] < 60
    assert outcome["best_validation_loss"] <= outcome["last_validation_loss"]
    assert (recipe.parent / "run" / "best" / "adapter_model.safetensors").is_file()


def test_limits_fractions_and_list_indices_by_set(recipe):
    text = recipe.read_text().replace("  validation: [{ path: heldout.jsonl }]\n", "")
    recipe.write_text(text)
    result = train(recipe, "--dry-run", "--set", "data.train[0].limit=20", "--set", "data.validation_fraction=0.25")
    assert "15 examples, 5 for validation" in result.stderr


@pytest.mark.parametrize(
    "arguments, code, message",
    [
        (["--set", "training.learning_rat=1"], USAGE, "learning_rate"),
        (["--set", "adapter.target_modules=[q_prj]"], USAGE, 'did you mean "q_proj"'),
        (["--set", "adapter.target_modules=nothing.*"], USAGE, "match no module"),
        (["--set", "adapter.modules_to_save=[embed_token]"], USAGE, 'did you mean "embed_tokens"'),
        (["--set", "adapter.modules_to_save=[mlp, down_proj]"], USAGE, "trained whole already"),
        (["--set", "adapter.modules_to_save=[q_proj]"], USAGE, "keep one of the two"),
        (["--set", "model.path=nowhere"], INPUT, "nowhere"),
        (["--set", "data.train[0].path=missing.jsonl"], INPUT, "missing.jsonl"),
        (["--set", "data.max_length=8"], INPUT, "train.jsonl:1"),
        (["--set", "adapter.init_from=nowhere"], INPUT, "nowhere"),
        (["--threads", "0"], USAGE, "threads"),
        (["--nonsense"], USAGE, "nonsense"),
    ],
)
def test_mistakes_get_one_clear_line_and_leave_no_adapter(recipe, arguments, code, message):
    result = train(recipe, *arguments, check=False)
    assert result.returncode == code, result.stderr
    assert message in result.stderr
    assert "terminate" not in result.stderr and "frame #" not in result.stderr
    assert not (recipe.parent / "run" / "adapter").exists()


def test_whole_modules_are_named_counted_and_trained_to_the_same_bytes(recipe):
    chosen = ["--set", "adapter.modules_to_save=[embed_tokens, norm]", "--set", "adapter.bias=lora_only"]
    result = train(recipe, *chosen)
    assert "q_proj x 2, v_proj x 2; full: embed_tokens, input_layernorm x 2, norm, post_attention_layernorm x 2" in result.stderr
    assert "tied to the embeddings" in result.stderr and "no adapted module of this model has a bias" in result.stderr
    folder = recipe.parent / "run"
    modules = json.loads((folder / "adapter" / "lore_manifest.json").read_text())["trained"]["modules"]
    assert "full: embed_tokens" in modules and "full: embed_tokens" in (folder / "adapter" / "README.md").read_text()
    again = recipe.parent / "again"
    train(recipe, *chosen, "--output", again)
    weights = "adapter/adapter_model.safetensors"
    assert (folder / weights).read_bytes() == (again / weights).read_bytes()


def test_all_linear_is_written_as_the_names_it_stands_for(recipe):
    train(recipe, "--set", "adapter.target_modules=all-linear", "--set", "training.max_steps=1")
    config = json.loads((recipe.parent / "run" / "adapter" / "adapter_config.json").read_text())
    assert config["target_modules"] == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]


def test_a_mistake_leaves_the_folder_free_for_the_next_try(recipe):
    train(recipe, "--set", "adapter.target_modules=[q_prj]", check=False)
    train(recipe)


def test_every_problem_of_a_recipe_is_reported_at_once_with_its_place(recipe):
    recipe.write_text("model: { path: x, dtpye: float32 }\ntraining:\n  epochs: many\n  batch_size: 0\n")
    result = train(recipe, check=False)
    assert result.returncode == USAGE
    assert f"{recipe}:1:19:" in result.stderr and 'did you mean "dtype"' in result.stderr
    assert f"{recipe}:3:11:" in result.stderr and f"{recipe}:4:15:" in result.stderr


def test_bad_rows_are_reported_with_their_lines(recipe):
    rows = recipe.parent / "train.jsonl"
    lines = rows.read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4][:-5]
    lines[9] = '{"text": "no messages"}'
    rows.write_text("\n".join(lines), encoding="utf-8")
    result = train(recipe, check=False)
    assert result.returncode == INPUT
    assert f"{rows}:5:" in result.stderr


def test_a_model_in_the_hub_cache_is_found_through_its_links(recipe, model, tmp_path):
    repository = tmp_path / "hub" / "models--acme--small"
    (repository / "blobs").mkdir(parents=True)
    (repository / "refs").mkdir()
    snapshot = repository / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc123")
    for file in model.iterdir():
        shutil.copy(file, repository / "blobs" / f"blob-{file.name}")
        (snapshot / file.name).symlink_to(f"../../blobs/blob-{file.name}")
    os.environ["HF_HUB_CACHE"] = str(tmp_path / "hub")
    try:
        train(recipe, "--set", "model.path=acme/small", "--set", "training.max_steps=1")
    finally:
        del os.environ["HF_HUB_CACHE"]
    config = json.loads((recipe.parent / "run" / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "acme/small"


def test_it_starts_quickly(recipe):
    """Exec to ready on a small model: mostly LibTorch's own start; the bound leaves room for a slow machine."""
    started = time.monotonic()
    train(recipe, "--dry-run")
    assert time.monotonic() - started < 5


DATED = (
    "{{ strftime_now('%d.%m.%Y') }}\n"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def test_the_day_a_template_is_told_is_pinned_and_recorded(recipe):
    template = recipe.parent / "dated.jinja"
    template.write_text(DATED)
    days = {time.strftime("%Y-%m-%d", time.gmtime(time.time() - 60)), time.strftime("%Y-%m-%d", time.gmtime())}
    train(recipe, "--set", f"data.template={template}", "--set", "training.max_steps=1")
    resolved = recipe.parent / "run" / "recipe.yaml"
    day = json.loads((resolved.parent / "run.json").read_text())["template_date"]
    assert day in days and f"template_date: {day}" in resolved.read_text().replace('"', "").replace("'", "")
    shown = json.loads(run("lore", "preview", resolved, "--json").stdout.splitlines()[0])
    assert shown["text"].startswith(".".join(reversed(day.split("-"))) + "\n")
    shown = run("lore", "preview", resolved, "--json", "--set", "data.template_date=2024-02-29").stdout
    assert json.loads(shown.splitlines()[0])["text"].startswith("29.02.2024\n")
    assert train(recipe, "--set", "data.template_date=tomorrow", check=False).returncode == USAGE


def test_a_template_that_asks_for_no_time_leaves_no_date(recipe):
    train(recipe, "--set", "training.max_steps=1")
    assert json.loads((recipe.parent / "run" / "run.json").read_text())["template_date"] is None


def test_generate_asks_with_the_tokens_training_begins_with(recipe, model):
    template = recipe.parent / "dated.jinja"
    template.write_text(DATED)
    (recipe.parent / "train.jsonl").write_text(json.dumps(
        {"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "什么是风控阈值？"},
                      {"role": "assistant", "content": "A limit."}]}) + "\n")
    shown = json.loads(run("lore", "preview", recipe, "--json", "--set", f"data.template={template}").stdout)
    context = next(i for i, label in enumerate(shown["labels"]) if label != -100)
    asked = ["--base", model, "--template", template, "--system", "S", "--prompt", "什么是风控阈值？",
             "--max-new-tokens", "1", "--json"]
    answers = [json.loads(run("lore", "generate", *asked, *day).stdout) for day in ([], ["--date", "2024-02-29"])]
    assert [answer["prompt_tokens"] for answer in answers] == [context, context]
    refused = run("lore", "generate", *asked, "--date", "2024-02-30", check=False)
    assert refused.returncode == USAGE and "YYYY-MM-DD" in refused.stderr


def test_only_the_last_answer_is_trained_where_the_recipe_says_so(recipe):
    turns = [("user", "q"), ("assistant", "first"), ("user", "r"), ("assistant", "last")]
    (recipe.parent / "train.jsonl").write_text(json.dumps(
        {"messages": [{"role": role, "content": content} for role, content in turns]}) + "\n")

    def trained(*overrides):
        return run("lore", "preview", recipe, *overrides).stdout.splitlines()

    assert [line for line in trained() if "⟦" in line] == ["⟦first<|im_end|>⟧", "⟦last<|im_end|>⟧"]
    assert [line for line in trained("--set", "data.train_on=last") if "⟦" in line] == ["⟦last<|im_end|>⟧"]
