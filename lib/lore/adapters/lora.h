#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lore/formats/adapter_config.h"
#include "lore/nn/llama.h"
#include "lore/recipe/specs.h"

namespace lore {

/// An adapter: what adapter_config.json says of it, and its matrices.
struct LoraAdapter {
  PeftConfig config;
  AdapterSet weights;
};

/// The configuration PEFT would have been given for this recipe.
PeftConfig peft_config(const AdapterSpec& spec);

/// The full names of the model's linears, in the order an AdapterSet is indexed.
std::vector<std::string> linear_names(const LlamaForCausalLm& model);

/// A fresh adapter: A uniform in +-1/sqrt(in) (kaiming_uniform with a = sqrt 5), or normal with
/// standard deviation 1/r for `gaussian`, and B zero; or both as `orthogonal` or an initialization from the
/// base (base_initialization.h) makes them. The model starts out unchanged.
/// A pure function of configuration, model shape and seed. Throws: Error kUsage as match_modules.
LoraAdapter create_lora(const PeftConfig& config, const LlamaForCausalLm& model, std::uint64_t seed);

/// How many modules of each leaf name there are: "q_proj x 30, v_proj x 30".
std::string describe_modules(std::span<const std::string> names);
/// The same of those that have an adapter.
std::string describe_modules(const LoraAdapter& adapter, const LlamaForCausalLm& model);

}  // namespace lore
