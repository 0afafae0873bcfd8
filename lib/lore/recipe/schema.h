#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace lore {

/// The JSON Schema (draft 2020-12) of a recipe, for editors and CI.
nlohmann::ordered_json json_schema();

/// The reference of every key: the text of docs/recipe.md.
std::string reference_markdown();

/// A commented YAML recipe to start from.
std::string starting_recipe();

}  // namespace lore
