#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lore/formats/adapter_config.h"

namespace lore {

/// One module's low-rank pair, float32 on the CPU: A [r, in], B [out, r].
struct PlainLora {
  std::string module;  ///< "model.layers.0.self_attn.q_proj"
  at::Tensor a;
  at::Tensor b;
  double scale = 1;
};

/// The layer of "model.layers.3.self_attn.q_proj"; -1 for a module that is in none.
std::int64_t layer_of(const std::string& module);

/// A configuration whose target_modules match exactly `modules` out of `linears`: leaf names where all of a
/// leaf's modules are adapted, or those of the same layers (layers_to_transform); else full names. Everything
/// else is left at its default, with task_type CAUSAL_LM.
PeftConfig targets_of(const std::vector<PlainLora>& modules, std::span<const std::string> linears);

/// Sets r, lora_alpha, rank_pattern and alpha_pattern so that PEFT's alpha / r is each module's scale.
void describe_ranks(PeftConfig& config, const std::vector<PlainLora>& modules);

/// Writes adapter_config.json and adapter_model.safetensors (float32) into `folder`. Throws: Error
/// kResources.
void write_plain_lora(const std::filesystem::path& folder, const PeftConfig& config,
                      const std::vector<PlainLora>& modules);

}  // namespace lore
