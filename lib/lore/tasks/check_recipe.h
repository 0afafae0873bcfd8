#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lore/core/error.h"
#include "lore/recipe/specs.h"
#include "lore/tasks/environment.h"

namespace lore {

/// One thing that was seen when a recipe's inputs were looked at.
struct InputFinding {
  std::string key;      ///< the recipe's key it belongs to, e.g. `data.train[0].path`
  std::string message;  ///< may have several lines
  ErrorKind kind = ErrorKind::kInput;
};

/// What a recipe names on this machine, as far as it can be seen in little time.
struct InputCheck {
  std::vector<InputFinding> facts;     ///< what was looked at and found in order
  std::vector<InputFinding> warnings;  ///< what may be meant so
  std::vector<InputFinding> problems;  ///< what would stop a run
};

/// Looks at the model (found, its shape read, no weights loaded), the modules that get an adapter, the
/// tokenizer, the chat template, the first `rows` rows of each source (read, formed, tokenized, their lengths
/// and masks looked at) and the output folder. Goes on after a problem. Never throws for what it finds.
InputCheck check_inputs(const Recipe& recipe, const Environment& environment, std::int64_t rows);

}  // namespace lore
