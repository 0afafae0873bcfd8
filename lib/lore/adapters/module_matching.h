#pragma once

#include <string>
#include <vector>

#include "lore/formats/adapter_config.h"

namespace lore {

/// A module that gets an adapter, with the rank and scaling that hold for it.
struct MatchedModule {
  std::size_t linear;  ///< index in the list of names
  std::int64_t rank;
  double alpha;
  double scale;  ///< as lora_scale
};

/// What an update of rank `rank` is multiplied by: alpha / rank, or alpha / sqrt(rank) with use_rslora.
double lora_scale(const PeftConfig& config, double alpha, std::int64_t rank);

/// Whether a string target is PEFT's shorthand for every linear but the output head, in any case.
bool is_all_linear(const std::string& target);

/// Which of `linears` (full module names such as "model.layers.0.self_attn.q_proj", in model order, the
/// output head and the embeddings among them)
/// the configuration adapts, by PEFT's rules (peft 0.21.2, tuners_utils.check_target_module_exists):
/// a string target is a regular expression over the whole name or "all-linear"; a list item equals the
/// name or its end after a dot; exclude_modules and modules_to_save win; the first matching key of
/// rank_pattern and of alpha_pattern holds.
///
/// A list item or a pattern that matches nothing is refused, as a typo would silently adapt less than was
/// asked for; where `unused` is given, what was wrong with it is added there instead: PEFT passes over it,
/// and an adapter that exists says by its tensors what is adapted.
///
/// Throws: Error kUsage when nothing matches (with the nearest module name), when a list item or a
/// pattern matches nothing.
std::vector<MatchedModule> match_modules(const PeftConfig& config, const std::vector<std::string>& linears,
                                         std::vector<std::string>* unused = nullptr);

}  // namespace lore
