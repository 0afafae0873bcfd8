#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/formats/tensors_digest.h"
#include "lore/tasks/adapter_group.h"
#include "lore/tasks/base_binding.h"
#include "lore/tasks/weight_difference.h"

namespace lore {

/// What taking an adapter out of a merged model gave back.
struct Restoration {
  std::string base;           ///< that the adapter was made on; empty when it records none
  bool exact = false;         ///< whether the result's tensors have the hash of that base's
  std::string original_name;  ///< of the model the result was compared with; empty when with none
  std::optional<WeightDifference> original;
};

/// Refuses a model that the adapters are not in: one that is the base they were made on, or whose
/// lore_merge.json names others. Returns what to record: "merged with it", "not recorded" or "other model
/// allowed".
/// Throws: Error kRefused, unless `allow` (--allow-base-mismatch), which warns.
std::string check_merged_with(const std::filesystem::path& model, const TensorsDigest& digest,
                              std::span<const WeightedAdapter> adapters,
                              std::span<const BaseBinding> bindings, bool allow, Messages& messages);

}  // namespace lore
