#include "lore/recipe/schema.h"

#include <nlohmann/json.hpp>

#include "lore/core/atomic_file.h"
#include "lore/recipe/keys.h"
#include "lore/recipe/reader.h"
#include "sample_recipe.h"
#include "support/catch.h"

namespace {

const std::filesystem::path kReference = std::filesystem::path(LORE_SOURCE_DIR) / "docs" / "recipe.md";

/// Where the schema describes the key `name`, as a JSON pointer.
nlohmann::ordered_json::json_pointer pointer_to(const std::string& name) {
  std::string pointer = "/properties/";
  for (const char c : name) {
    if (c == '.') {
      pointer += "/properties/";
    } else if (c == '[') {
      pointer += "/items";
    } else if (c != ']') {
      pointer += c;
    }
  }
  return nlohmann::ordered_json::json_pointer(pointer);
}

}  // namespace

TEST_CASE("the schema describes every key and no other") {
  const nlohmann::ordered_json schema = lore::json_schema();
  CHECK(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema");
  CHECK(schema["additionalProperties"] == false);
  std::size_t properties = 0;
  const nlohmann::ordered_json flat = schema.flatten();
  for (const auto& [path, value] : flat.items()) {
    properties += path.ends_with("/description") ? 1 : 0;
  }
  CHECK(properties == lore::recipe_keys().size());
  for (const lore::RecipeKey& key : lore::recipe_keys()) {
    INFO(key.name);
    REQUIRE(schema.contains(pointer_to(key.name)));
    const auto& described = schema.at(pointer_to(key.name));
    CHECK(described["description"] == key.field.doc);
    if (key.section) {
      CHECK(described["additionalProperties"] == false);
    }
  }
}

TEST_CASE("the schema holds ranges, choices and what is required") {
  const nlohmann::ordered_json schema = lore::json_schema();
  CHECK(schema["required"] == nlohmann::ordered_json({"model", "data", "output_dir"}));
  const auto& adapter = schema["properties"]["adapter"]["properties"];
  CHECK(adapter["r"]["minimum"] == 1);
  CHECK(adapter["lora_dropout"]["exclusiveMaximum"] == 1);
  CHECK(adapter["r"]["type"] == nlohmann::ordered_json({"integer", "null"}));
  CHECK(adapter["rank_pattern"]["additionalProperties"]["minimum"] == 1);
  CHECK(schema["properties"]["model"]["properties"]["device"]["pattern"] == "^(cpu|cuda|cuda:[0-9]{1,3})$");
  const auto& training = schema["properties"]["training"]["properties"];
  CHECK(training["lr_scheduler_type"]["enum"].size() == 7);
  CHECK(training["seed"]["maximum"] == 18446744073709551615ULL);
  CHECK(schema["properties"]["data"]["properties"]["train"]["minItems"] == 1);
}

TEST_CASE("the starting recipe is a sound recipe") {
  const std::string text = lore::starting_recipe();
  INFO(text);
  CHECK(problems_of(text) == "");
  CHECK(recipe_of(text).adapter.r == 16);
}

TEST_CASE("docs/recipe.md is the reference of this build") {
  CHECK(contents_of(kReference) == lore::reference_markdown());
}
