#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lore/recipe/field.h"

namespace lore {

/// One key of a recipe, as help and messages speak of it.
struct RecipeKey {
  std::string name;           ///< dotted; an element of a list is `[]`, as in `data.train[].path`
  std::string type;           ///< "whole number", "list of text", "section"
  std::string default_value;  ///< in YAML; empty where there is none
  bool section = false;       ///< a mapping whose keys follow in the list
  bool free_names = false;    ///< a mapping whose keys are not known beforehand
  Field field;
};

/// Every key, each section before its own keys, in the order of the description.
const std::vector<RecipeKey>& recipe_keys();

/// The same of a scenario matrix.
const std::vector<RecipeKey>& matrix_keys();

/// What someone who wrote `key` in the section `section` (dotted, empty for the top) may have meant:
/// a key of that section, or the dotted name of a key elsewhere. Empty where nothing is near.
std::string suggested_key(std::string_view section, std::string_view key,
                          const std::vector<RecipeKey>& keys = recipe_keys());

}  // namespace lore
