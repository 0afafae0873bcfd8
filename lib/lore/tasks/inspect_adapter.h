#pragma once

#include <filesystem>
#include <string>

#include "lore/tasks/environment.h"
#include "lore/tasks/inspection.h"

namespace lore {

/// Looks at an adapter folder: configuration, tensors, and the norms of each module's update, from its
/// factors in float64. With `base` (a folder, GGUF file or hub id) also whether it fits that model, whether
/// that is the base it was made on, and the update's norm relative to the weight's. Throws: Error kInput for
/// a base that cannot be read.
Inspection inspect_adapter(const std::filesystem::path& folder, const std::string& base,
                           const Environment& environment);

}  // namespace lore
