#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "lore/recipe/specs.h"

namespace lore {

/// The resolved recipe as YAML: every key, defaults included, in the order of docs/recipe.md.
/// Unset optional keys are left out. `read_recipe` of the result gives an equal Recipe.
std::string to_yaml(const Recipe& recipe);

/// The same content, the same keys and order, as JSON.
nlohmann::ordered_json to_json(const Recipe& recipe);

}  // namespace lore
