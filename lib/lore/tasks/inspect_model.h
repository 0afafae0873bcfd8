#pragma once

#include <filesystem>

#include "lore/tasks/environment.h"
#include "lore/tasks/inspection.h"

namespace lore {

/// Bytes of weights up to which every value is read without being asked to.
inline constexpr std::int64_t kReadBytes = 4'000'000'000;

/// Looks at a model folder (config.json, safetensors): configuration, tensors against it, shards, tokenizer,
/// template, licence. Values are read for NaN when `deep`, or when there are at most kReadBytes.
Inspection inspect_checkpoint(const std::filesystem::path& folder, bool deep, const Environment& environment);

/// Looks at a GGUF file in the same way: a model, an adapter, or a vocabulary alone.
Inspection inspect_gguf(const std::filesystem::path& file, bool deep, const Environment& environment);

/// Looks at one safetensors file that belongs to nothing known.
Inspection inspect_safetensors(const std::filesystem::path& file, bool deep, const Environment& environment);

}  // namespace lore
