#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lore/adapters/lora.h"

namespace lore {

/// Reads an adapter folder written by PEFT or Lore: adapter_config.json and adapter_model.safetensors.
/// Tensors of any float dtype become fp32 masters, as PEFT's autocast_adapter_dtype makes them.
///
/// Every matched module must have both matrices with the right shapes and finite values, and no tensor
/// may be left over. Throws: Error kInput naming file and tensor.
LoraAdapter load_peft_adapter(const std::filesystem::path& folder, const LlamaForCausalLm& model,
                              std::vector<std::string>& warnings);

/// Writes adapter_config.json and adapter_model.safetensors (fp32) into an existing folder, as PEFT does:
/// one trained on a residual as to_plain_lora makes it. Throws: Error kResources.
void save_peft_adapter(const std::filesystem::path& folder, const LoraAdapter& trained,
                       const LlamaForCausalLm& model);

}  // namespace lore
