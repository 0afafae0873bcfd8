#include "lore/recipe/writer.h"

#include <nlohmann/json.hpp>

#include "lore/recipe/reader.h"
#include "sample_recipe.h"
#include "support/catch.h"

namespace {

/// A recipe in which every key has another value than its default.
lore::Recipe unusual_recipe() {
  lore::Recipe recipe;
  recipe.model = {"/a folder/模型: \"q\" \\ #1.gguf", "bfloat16", "nf4", "cuda:1"};
  recipe.adapter.r = 7;
  recipe.adapter.lora_alpha = 1.0 / 3;
  recipe.adapter.lora_dropout = 0.1;
  recipe.adapter.target_modules = R"(.*\.layers\.\d+\.(q|v)_proj)";
  recipe.adapter.exclude_modules = std::vector<std::string>{"yes", "1e5", "-", "null", "a: b", "x #y"};
  recipe.adapter.rank_pattern = {{"z.*", 3}, {"a b", 4}, {"on", 5}};
  recipe.adapter.alpha_pattern = {{"\\d", 1e-8}};
  recipe.adapter.use_rslora = true;
  recipe.adapter.use_dora = true;
  recipe.adapter.init_from = "/first";
  recipe.adapter.save_dtype = "float16";
  recipe.adapter.base_model_name_or_path = "org/base";
  recipe.data.train = {{.path = "/t.jsonl", .limit = 5}, {.path = "/u.jsonl"}};
  recipe.data.validation = {{.path = "/v.jsonl"}};
  recipe.data.max_length = 77;
  recipe.data.packing = true;
  recipe.data.overlong = "drop";
  recipe.data.chat_template = "/chat.jinja";
  recipe.data.template_date = "2026-02-05";
  recipe.data.train_on = "last";
  recipe.data.shuffle = false;
  recipe.training.epochs = 0.7;
  recipe.training.max_steps = 1'000'000;
  recipe.training.batch_size = 3;
  recipe.training.gradient_accumulation_steps = 5;
  recipe.training.learning_rate = 1e-7;
  recipe.training.loraplus_lr_ratio = 2.5;
  recipe.training.loraplus_lr_embedding = 3e-5;
  recipe.training.lr_scheduler_type = "polynomial";
  recipe.training.lr_scheduler_kwargs = {{}, 2.5, 1e-12};
  recipe.training.warmup_ratio = 0.03;
  recipe.training.adam_beta1 = 0.85;
  recipe.training.adam_beta2 = 0.9995;
  recipe.training.adam_epsilon = 1e-6;
  recipe.training.weight_decay = 0.01;
  recipe.training.max_grad_norm = 0.3;
  recipe.training.seed = 18446744073709551615ULL;
  recipe.training.logging_steps = 2;
  recipe.training.checkpoint_every_steps = 9;
  recipe.training.keep_last = 3;
  recipe.training.keep_best = 1;
  recipe.training.keep_every = 50;
  recipe.training.on_nonfinite = "skip";
  recipe.evaluation = {
      4, 2, 1e-3, {{"terms", "/heldout.jsonl", "words", "/glossary.jsonl", 16, 5, 3}}, {"loss < 2"}};
  recipe.output_dir = "/out";
  return recipe;
}

}  // namespace

TEST_CASE("a written recipe reads back equal, as YAML and as JSON") {
  lore::Recipe with_layers = unusual_recipe();
  with_layers.adapter.target_modules = std::vector<std::string>{"q_proj"};
  with_layers.adapter.init_from.clear();
  with_layers.adapter.init_lora_weights = "pissa_niter_16";
  with_layers.adapter.freeze_a = true;
  with_layers.training.loraplus_lr_ratio = 1;
  with_layers.training.loraplus_lr_embedding = 1e-6;
  with_layers.adapter.layers_to_transform = {0, 3};
  with_layers.adapter.layers_pattern = {"layers"};
  with_layers.training.warmup_ratio = 0;
  with_layers.training.warmup_steps = 11;
  with_layers.training.lr_scheduler_type = "cosine";
  with_layers.training.lr_scheduler_kwargs = {0.25, 1, 1e-7};
  with_layers.data.validation.clear();
  with_layers.data.validation_fraction = 0.125;
  lore::Recipe with_eva = recipe_of(kShortest);
  with_eva.adapter.init_lora_weights = "eva";
  with_eva.adapter.eva_config = {1.5, 0.9, false, false};
  for (const lore::Recipe& recipe : {recipe_of(kShortest), unusual_recipe(), with_layers, with_eva}) {
    const std::string yaml = lore::to_yaml(recipe);
    INFO(yaml);
    CHECK(problems_of(yaml) == "");
    CHECK(recipe_of(yaml) == recipe);
    const std::string json = lore::to_json(recipe).dump();
    CHECK(problems_of(json) == "");
    CHECK(recipe_of(json) == recipe);
  }
}

TEST_CASE("a written recipe is the same text each time, in the order of the description") {
  const std::string yaml = lore::to_yaml(recipe_of(kShortest));
  CHECK(yaml == lore::to_yaml(recipe_of(yaml)));
  CHECK(
      yaml.starts_with("model:\n  path: /recipes/base\n  dtype: auto\n  quantization: none\n  device: "
                       "cpu\nadapter:\n  method: lora\n"));
  CHECK(yaml.ends_with("output_dir: /recipes/out\n"));
}

TEST_CASE("numbers are written as readers of YAML 1.1 and 1.2 both read them") {
  const std::string yaml = lore::to_yaml(recipe_of(kShortest));
  CHECK(yaml.find("adam_epsilon: 1.0e-08\n") != std::string::npos);
  CHECK(yaml.find("learning_rate: 0.0002\n") != std::string::npos);
}
