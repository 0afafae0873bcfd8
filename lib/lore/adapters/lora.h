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

/// The full names of the modules that a low-rank update can be put on, in the order an AdapterSet is indexed.
std::vector<std::string> adaptable_names(const LlamaConfig& config);

/// A fresh adapter: A uniform in +-1/sqrt(in) (kaiming_uniform with a = sqrt 5), or normal with
/// standard deviation 1/r for `gaussian`, and B zero; or both as `orthogonal` or an initialization from the
/// base (base_initialization.h) makes them. On the embeddings A (PEFT's lora_embedding_B) is normal with
/// standard deviation 1. With `eva` A is as by default until Eva gives it its start. The model starts out
/// unchanged. Whole parameters start as the base's. A pure function of configuration, model and seed. Throws:
/// Error kUsage as match_modules and trained_parts.
LoraAdapter create_lora(const PeftConfig& config, const LlamaForCausalLm& model, std::uint64_t seed);

/// How many modules of each leaf name there are: "q_proj x 30, v_proj x 30".
std::string describe_modules(std::span<const std::string> names);
/// How many parameters are trained whole, to go after the modules: "; full: embed_tokens, norm; bias x 90",
/// or nothing.
std::string describe_full(std::span<const std::string> parameters);
/// Both of an adapter: "q_proj x 30; full: embed_tokens; bias
/// x 90".
std::string describe_modules(const LoraAdapter& adapter, const LlamaForCausalLm& model);

/// What a user should know before training it, as trained_part_warnings.
std::vector<std::string> adapter_warnings(const LoraAdapter& adapter, const LlamaForCausalLm& model);

}  // namespace lore
