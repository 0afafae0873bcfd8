#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "lore/adapters/lora.h"
#include "lore/core/messages.h"
#include "lore/tasks/model_card.h"

namespace lore {

/// Reads the adapter of `folder` for `model`, and passes its warnings on. Throws: Error kInput.
LoraAdapter load_adapter(const std::filesystem::path& folder, const LlamaForCausalLm& model,
                         Messages& messages);

/// Writes the files of write_adapter_folder into an existing folder. Throws: Error kResources.
void write_adapter_files(const std::filesystem::path& folder, const LoraAdapter& adapter,
                         const LlamaForCausalLm& model, at::ScalarType dtype,
                         const nlohmann::ordered_json& manifest, const AdapterOrigin& origin);

/// Writes an adapter folder in one piece: PEFT's two files, a model card (README.md) of `origin`, and
/// `manifest` as lore_manifest.json, which also gets the record of adapter_record.h. What was trained is
/// stored as `dtype`. What was at `folder` is replaced. Throws: Error kResources; the old folder then stays.
void write_adapter_folder(const std::filesystem::path& folder, const LoraAdapter& adapter,
                          const LlamaForCausalLm& model, at::ScalarType dtype,
                          const nlohmann::ordered_json& manifest, const AdapterOrigin& origin);

}  // namespace lore
