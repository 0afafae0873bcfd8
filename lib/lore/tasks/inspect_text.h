#pragma once

#include <filesystem>

#include "lore/tasks/environment.h"
#include "lore/tasks/inspection.h"

namespace lore {

/// Looks at a tokenizer: a tokenizer.json or tokenizer.model file, or a folder with one.
Inspection inspect_tokenizer(const std::filesystem::path& path);

/// Reads every row of a data file, or of all data files of a folder: forms, rows that cannot be used, with
/// their places.
Inspection inspect_data(const std::filesystem::path& path, const Environment& environment);

}  // namespace lore
