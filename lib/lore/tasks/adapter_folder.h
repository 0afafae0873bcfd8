#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "lore/adapters/lora.h"

namespace lore {

/// Writes an adapter folder in one piece: PEFT's two files, a model card (README.md) and, unless
/// `manifest` is null, lore_manifest.json. What was at `folder` is replaced.
/// Throws: Error kResources; the old folder then stays.
void write_adapter_folder(const std::filesystem::path& folder, const LoraAdapter& adapter,
                          const LlamaForCausalLm& model, const nlohmann::ordered_json& manifest);

}  // namespace lore
