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

/// Writes adapter_config.json and adapter_model.safetensors into an existing folder, as PEFT does: one
/// trained on a residual as to_plain_lora makes it. What was trained is rounded to `dtype` (fp32, bf16 or
/// fp16). Throws: Error kResources; Error kDiverged when a number is too large for `dtype`.
void save_peft_adapter(const std::filesystem::path& folder, const LoraAdapter& trained,
                       const LlamaForCausalLm& model, at::ScalarType dtype);

}  // namespace lore
