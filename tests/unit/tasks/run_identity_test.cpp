#include "lore/tasks/run_identity.h"

#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "support/catch.h"

namespace {

lore::RunIdentity identity_of(const lore::Recipe& recipe, int threads = 2) {
  lore::Environment environment;
  environment.threads = threads;
  const nlohmann::ordered_json hashes{{"base", {{"sha256", "b"}}},
                                      {"tokenizer_sha256", "t"},
                                      {"chat_template_sha256", nullptr},
                                      {"data", {{{"split", "train"}, {"file", "a.jsonl"}, {"sha256", "d"}}}}};
  return lore::run_identity(recipe, hashes, "float32", environment);
}

lore::Recipe recipe_of_one_source() {
  lore::Recipe recipe;
  recipe.data.train = {{"a.jsonl"}};
  return recipe;
}

}  // namespace

TEST_CASE("what changes the bytes of an adapter is a difference, what says where things are is none") {
  const lore::Recipe recipe = recipe_of_one_source();
  lore::Recipe other = recipe;
  other.output_dir = "elsewhere";
  other.model.path = "copy";
  other.data.train[0].path = "copy/a.jsonl";
  other.data.cache_dir = "cache";
  other.training.logging_steps = 7;
  other.training.checkpoint_every_steps = 7;
  other.training.keep_last = 7;
  other.evaluation.gates = {"delta.loss < 0"};
  CHECK(lore::identity_differences(identity_of(recipe), identity_of(other), {}).empty());
  other.training.seed = 7;
  other.training.max_steps = 9;
  other.data.train[0].weight = 2;
  CHECK(lore::identity_differences(identity_of(recipe), identity_of(other, 4), {}) ==
        std::vector<std::string>{"data.train.0.weight: was 1, is 2", "threads: was 2, is 4",
                                 "training.max_steps: was unset, is 9", "training.seed: was 42, is 7"});
  CHECK(lore::identity_differences(identity_of(recipe), identity_of(other, 4), {"training", "threads"}) ==
        std::vector<std::string>{"data.train.0.weight: was 1, is 2"});
}

TEST_CASE("a name that is nothing that is compared is a mistake with its nearest") {
  const lore::RunIdentity identity = identity_of(recipe_of_one_source());
  CHECK_NOTHROW(lore::check_allowed(identity, identity, {"data.files", "build", "threads"}));
  CHECK_THROWS_AS(lore::check_allowed(identity, identity, {"train"}), lore::Error);
  CHECK_THROWS_AS(lore::check_allowed(identity, identity, {"output_dir"}), lore::Error);
}
