#include "lore/recipe/reader.h"
#include "sample_recipe.h"
#include "support/catch.h"

namespace {

/// The recipe kShortest under overrides that have no problem.
lore::Recipe overridden(const std::vector<std::string>& overrides) {
  REQUIRE(problems_of(kShortest, overrides) == "");
  return recipe_of(kShortest, overrides);
}

}  // namespace

TEST_CASE("an override goes before the file, and a later override before an earlier one") {
  const std::string text = kShortest + "training: { epochs: 5, batch_size: 4 }\n";
  const lore::Recipe recipe = recipe_of(text, {"training.epochs=6", "training.epochs=0.5"});
  CHECK(recipe.training.epochs == 0.5);
  CHECK(recipe.training.batch_size == 4);
  CHECK(recipe.training.seed == 42);
}

TEST_CASE("list elements are named by index, in brackets or after a dot") {
  CHECK(overridden({"data.train[0].path=x.jsonl"}).data.train[0].path == "/recipes/x.jsonl");
  CHECK(overridden({"data.train.0.limit=7"}).data.train[0].limit == 7);
  const lore::Recipe appended =
      overridden({"data.train[1].path=b.jsonl", "data.validation[0]={path: c.jsonl}"});
  REQUIRE(appended.data.train.size() == 2);
  CHECK(appended.data.train[1].path == "/recipes/b.jsonl");
  CHECK(appended.data.validation.at(0).path == "/recipes/c.jsonl");
  CHECK(overridden({"adapter.target_modules[0]=k_proj"}).adapter.target_modules ==
        lore::ModuleSelection(std::vector<std::string>{"k_proj"}));
}

TEST_CASE("the value of an override is YAML") {
  const lore::Recipe recipe = overridden(
      {"adapter.target_modules=[q_proj, k_proj]", "adapter.use_rslora=true", "model.dtype=\"float32\""});
  CHECK(recipe.adapter.target_modules == lore::ModuleSelection(std::vector<std::string>{"q_proj", "k_proj"}));
  CHECK(recipe.adapter.use_rslora);
  CHECK(recipe.model.dtype == "float32");
}

TEST_CASE("an override of null or of nothing gives back the default") {
  const std::string text = kShortest + "training: { max_steps: 5, epochs: 9 }\n";
  const lore::Recipe recipe = recipe_of(text, {"training.max_steps=null", "training.epochs="});
  CHECK_FALSE(recipe.training.max_steps.has_value());
  CHECK(recipe.training.epochs == 3);
}

TEST_CASE("below a pattern the rest of the key is one name") {
  const lore::Recipe recipe = overridden(
      {"adapter.rank_pattern.layers.0.self_attn.q_proj=4", "adapter.alpha_pattern.layers\\.[01]\\..*=8"});
  CHECK(recipe.adapter.rank_pattern ==
        std::vector<std::pair<std::string, std::int64_t>>{{"layers.0.self_attn.q_proj", 4}});
  CHECK(recipe.adapter.alpha_pattern ==
        std::vector<std::pair<std::string, double>>{{"layers\\.[01]\\..*", 8}});
}

TEST_CASE("an override can give a required key that the file lacks") {
  CHECK(problems_of("training: { epochs: 1 }\n",
                    {"model.path=./m", "data.train[0].path=t.jsonl", "output_dir=out"}) == "");
}

TEST_CASE("a problem of an override is placed at the override") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"training.epochs", "--set training.epochs: expected KEY=VALUE, e.g. training.epochs=2"},
      {"training.epoch=2",
       "--set training.epoch: unknown key \"epoch\" in training (did you mean \"epochs\"?)"},
      {"epochs=2", "--set epochs: unknown key \"epochs\" (did you mean \"training.epochs\"?)"},
      {"training.epochs=many", "--set training.epochs: training.epochs must be a number, got \"many\""},
      {"adapter.r=0", "--set adapter.r: adapter.r must be at least 1 and at most 65536, got 0"},
      {"data.train[2].path=x",
       "--set data.train[2].path: data.train[2] does not exist: the list has 1 items; [1] adds one"},
      {"data.train.path=x", "--set data.train.path: data.train is a list, so it has no \"path\""},
      {"model[0]=x", "--set model[0]: model is a mapping, so it has no \"0\""},
      {"model.path.x=1",
       "--set model.path.x: model.path is neither a mapping nor a list, so it has no \"x\""},
      {"data.train[x]=1", "--set data.train[x]: expected a list index such as [0] at \"[x]\""},
      {"data.train[0=1", "--set data.train[0: expected a list index such as [0] at \"[0\""},
      {"data.train[0]path=1", "--set data.train[0]path: expected a dot at \"path\""},
      {".epochs=1", "--set .epochs: a part of the key is empty"},
      {"training..epochs=1", "--set training..epochs: a part of the key is empty"},
      {"training.=1", "--set training.: a part of the key is empty"},
      {"=1", "--set : a part of the key is empty"},
      {"adapter.target_modules=[a",
       "--set adapter.target_modules: not valid YAML: end of sequence flow not found"},
      {"data.train[1].limit=2", "--set data.train[1].limit: missing required key \"data.train[1].path\""},
      {"evaluation.every_steps=5",
       "--set evaluation.every_steps: evaluation.every_steps needs data.validation or "
       "data.validation_fraction"},
      {"output_dir=~/runs",
       "--set output_dir: output_dir: ~ is not expanded in a recipe; write the folder out"},
      {"model=null", "--set model: missing required key \"model.path\""},
  };
  for (const auto& [assignment, expected] : cases) {
    INFO(assignment);
    CHECK(problems_of(kShortest, {assignment}) == expected);
  }
}

TEST_CASE("problems of the file come before those of overrides, which keep their order") {
  const std::string text = problems_of(kShortest + "evaluation: { every_step: 5 }\n", {"b=1", "a=1"});
  CHECK(text ==
        "/recipes/r.yaml:4:15: unknown key \"every_step\" in evaluation (did you mean \"every_steps\"?)\n"
        "--set b: unknown key \"b\"\n"
        "--set a: unknown key \"a\"");
}

TEST_CASE("a key of very many parts is refused") {
  std::string key = "a";
  for (int i = 0; i < 50'000; ++i) {
    key += ".a";
  }
  CHECK(problems_of(kShortest, {key + "=1"}).ends_with("the key has more than 64 parts"));
}
