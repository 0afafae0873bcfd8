#pragma once

#include <filesystem>

#include "lore/tasks/environment.h"
#include "lore/tasks/inspection.h"

namespace lore {

/// How two adapter folders differ: their configurations, modules that only one has, and for each module both
/// have the relative difference of the updates and the cosine between them, from the factors in float64.
Inspection compare_adapters(const std::filesystem::path& a, const std::filesystem::path& b);

/// How two models (folder or GGUF file) differ: configuration, tensors that only one has, and for each tensor
/// both have the relative difference and the cosine. Throws: Error kInput.
Inspection compare_models(const std::filesystem::path& a, const std::filesystem::path& b,
                          const Environment& environment);

}  // namespace lore
