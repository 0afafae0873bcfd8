#pragma once

#include <string>
#include <vector>

#include "lore/recipe/specs.h"

namespace lore {

/// Keys that are each right and together are not.
struct Conflict {
  std::vector<std::string> keys;  ///< dotted; the first is the one to change
  std::string message;            ///< follows the first key: "needs data.validation"
};

/// Every combination in `recipe` that cannot be meant.
std::vector<Conflict> find_conflicts(const Recipe& recipe);

}  // namespace lore
