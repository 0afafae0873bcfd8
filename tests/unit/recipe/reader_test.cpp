#include "lore/recipe/reader.h"

#include "sample_recipe.h"
#include "support/catch.h"

TEST_CASE("the shortest recipe has the documented defaults") {
  REQUIRE(problems_of(kShortest) == "");
  lore::Recipe expected;
  expected.model.path = "/recipes/base";
  expected.data.train = {{.path = "/recipes/train.jsonl"}};
  expected.output_dir = "/recipes/out";
  CHECK(recipe_of(kShortest) == expected);
  CHECK(expected.training.learning_rate == 2e-4);
  CHECK(expected.training.adam_beta2 == 0.999);
  CHECK(expected.training.lr_scheduler_type == "linear");
  CHECK(expected.adapter.target_modules ==
        lore::ModuleSelection(std::vector<std::string>{"q_proj", "v_proj"}));
}

TEST_CASE("every kind of key is read") {
  const std::string text = kShortest + R"(adapter:
  r: 8
  lora_alpha: 16.5
  target_modules: '.*\.(q|v)_proj'
  exclude_modules: [layers.0.self_attn.q_proj]
  rank_pattern: { b.*: 4, a.*: 2 }
  alpha_pattern: { v_proj: 64 }
  init_lora_weights: gaussian
training:
  epochs: .5
  max_steps: +7
  learning_rate: 5.E-5
  lr_scheduler_type: cosine_with_restarts
  lr_scheduler_kwargs: { num_cycles: 2 }
  adam_epsilon: 1e-6
  seed: 18446744073709551615
)";
  REQUIRE(problems_of(text) == "");
  const lore::Recipe recipe = recipe_of(text);
  CHECK(recipe.adapter.r == 8);
  CHECK(recipe.adapter.lora_alpha == 16.5);
  CHECK(recipe.adapter.target_modules == lore::ModuleSelection(".*\\.(q|v)_proj"));
  CHECK(recipe.adapter.exclude_modules ==
        lore::ModuleSelection(std::vector<std::string>{"layers.0.self_attn.q_proj"}));
  CHECK(recipe.adapter.rank_pattern ==
        std::vector<std::pair<std::string, std::int64_t>>{{"b.*", 4}, {"a.*", 2}});
  CHECK(recipe.adapter.alpha_pattern == std::vector<std::pair<std::string, double>>{{"v_proj", 64}});
  CHECK(recipe.adapter.init_lora_weights == std::variant<bool, std::string>("gaussian"));
  CHECK(recipe.training.epochs == 0.5);
  CHECK(recipe.training.max_steps == 7);
  CHECK(recipe.training.learning_rate == 5e-5);
  CHECK(recipe.training.lr_scheduler_kwargs.num_cycles == 2.0);
  CHECK(recipe.training.adam_epsilon == 1e-6);
  CHECK(recipe.training.seed == 18446744073709551615ULL);
}

TEST_CASE("null gives a key or a section back its default") {
  const std::string text = kShortest + "adapter:\ntraining: { seed: ~, max_steps: null, epochs: }\n";
  REQUIRE(problems_of(text) == "");
  CHECK(recipe_of(text) == recipe_of(kShortest));
}

TEST_CASE("epochs and max_steps go together, and a patience with validation") {
  CHECK(problems_of(kShortest + "training: { epochs: 2, max_steps: 10 }\n") == "");
  CHECK(problems_of(
            "model: { path: ./base }\n"
            "data: { train: [{ path: t.jsonl }], validation_fraction: 0.1 }\n"
            "evaluation: { every_steps: 5, early_stopping_patience: 2, early_stopping_threshold: 0.01 }\n"
            "output_dir: out\n") == "");
}

TEST_CASE("a combination is not judged by a key that has a problem of its own") {
  CHECK(
      problems_of("model: { path: ./base }\n"
                  "data: { train: [{ path: t.jsonl }], validation: held.jsonl }\n"
                  "evaluation: { every_steps: 5 }\n"
                  "output_dir: out\n") ==
      "/recipes/r.yaml:2:49: data.validation must be a list of mappings, such as [{ path: file.jsonl }], got "
      "\"held.jsonl\"");
}

TEST_CASE("devices are cpu, cuda and cuda with a number") {
  for (const char* device : {"cpu", "cuda", "cuda:0", "cuda:12"}) {
    CHECK(problems_of(kShortest, {std::string("model.device=") + device}) == "");
  }
  for (const std::string device :
       {"gpu", "CPU", "cuda:", "cuda:N", "cuda:x", "cuda:-1", "cuda:1234", "cpu:0"}) {
    CHECK(problems_of(kShortest, {"model.device=\"" + device + "\""}).find("must be cpu, cuda or cuda:N") !=
          std::string::npos);
  }
}

TEST_CASE("bounds that are excluded are excluded, and others are not") {
  for (const std::string good :
       {"adapter.lora_dropout=0", "training.warmup_ratio=1", "training.learning_rate=1", "data.max_length=2",
        "training.max_grad_norm=0"}) {
    CHECK(problems_of(kShortest, {good}) == "");
  }
  for (const std::string bad :
       {"adapter.lora_dropout=1", "training.warmup_ratio=1.001", "training.learning_rate=0",
        "data.max_length=1", "training.adam_beta2=1", "adapter.lora_alpha=0", "training.adam_epsilon=1e-999",
        "training.weight_decay=1e999"}) {
    CHECK(problems_of(kShortest, {bad}).find(" must be ") != std::string::npos);
  }
}

TEST_CASE("a problem found later stands at its key, or at the section around a default") {
  const lore::RecipeReading reading = lore::read_recipe_text(
      "model:\n  path: base\ndata:\n  train:\n    - { path: a, limit: 3 }\noutput_dir: out\n", "r.yaml",
      {"training.seed=7"});
  REQUIRE(reading.problems.empty());
  CHECK(reading.problem_at("model.path", "x").text() == "r.yaml:2:3: x");
  CHECK(reading.problem_at("data.train[0].limit", "x").text() == "r.yaml:5:18: x");
  CHECK(reading.problem_at("data.train[0].weight", "x").text() == "r.yaml:4:3: x");
  CHECK(reading.problem_at("data.max_length", "x").text() == "r.yaml:3:1: x");
  CHECK(reading.problem_at("adapter.r", "x").text() == "r.yaml:1:1: x");
  CHECK(reading.problem_at("training.seed", "x").text() == "--set training.seed: x");
}
