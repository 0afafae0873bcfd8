#include "lore/recipe/keys.h"

#include <fmt/format.h>

#include "support/catch.h"

TEST_CASE("every key has a doc, a type, and a default or a reason to have none") {
  for (const lore::RecipeKey& key : lore::recipe_keys()) {
    INFO(key.name);
    CHECK(key.field.doc.ends_with('.'));
    CHECK_FALSE(key.type.empty());
    CHECK_FALSE((key.field.required && !key.default_value.empty()));
  }
}

TEST_CASE("exactly the documented keys are required") {
  std::vector<std::string> required;
  for (const lore::RecipeKey& key : lore::recipe_keys()) {
    if (key.field.required) {
      required.push_back(key.name);
    }
  }
  CHECK(required == std::vector<std::string>{"model.path", "data.train", "data.train[].path",
                                             "data.validation[].path", "evaluation.suites[].kind",
                                             "evaluation.suites[].path", "output_dir"});
}

TEST_CASE("a wrong key suggests a sibling, a key elsewhere, or another trainer's name for it") {
  CHECK(lore::suggested_key("adapter", "lora_aplha") == "lora_alpha");
  CHECK(lore::suggested_key("", "trainnig") == "training");
  CHECK(lore::suggested_key("training", "lora_dropout") == "adapter.lora_dropout");
  CHECK(lore::suggested_key("training", "num_train_epochs") == "epochs");
  CHECK(lore::suggested_key("", "model_name_or_path") == "model.path");
  CHECK(lore::suggested_key("data.train[3]", "limits") == "limit");
  CHECK(lore::suggested_key("", "training.epochs") == "training.epochs");
  CHECK(lore::suggested_key("data", "zzzzzz").empty());
  CHECK(lore::suggested_key("data", std::string(100'000, 'a')).empty());
}

TEST_CASE("no other trainer's name is a key of the same section") {
  for (const lore::RecipeKey& key : lore::recipe_keys()) {
    for (const lore::RecipeKey& other : lore::recipe_keys()) {
      const std::string words = fmt::format(" {} ", key.field.also_known_as);
      const std::string leaf = other.name.substr(other.name.rfind('.') + 1);
      const auto section = [](const std::string& name) { return name.substr(0, name.rfind('.') + 1); };
      INFO(key.name << " and " << other.name);
      CHECK_FALSE((section(key.name) == section(other.name) &&
                   words.find(fmt::format(" {} ", leaf)) != std::string::npos));
    }
  }
}
