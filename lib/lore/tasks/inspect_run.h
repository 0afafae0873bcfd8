#pragma once

#include <filesystem>

#include "lore/tasks/environment.h"
#include "lore/tasks/inspection.h"

namespace lore {

/// Looks at a folder that `lore train` wrote: recipe, losses by step, how it ended, and its adapters.
Inspection inspect_run(const std::filesystem::path& folder, const Environment& environment);

}  // namespace lore
