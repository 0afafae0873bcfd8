#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lore/core/atomic_folder.h"
#include "lore/nn/model_parameters.h"
#include "lore/tasks/adapter_group.h"

namespace lore {

/// What a merge adds to its base, as one adapter folder: a single adapter as it is, or the exact weighted
/// sum of several, in a folder beside the output that goes when this does.
// NOLINTNEXTLINE(bugprone-exception-escape): a JSON value made of nullptr, or moved, does not throw.
struct MergeSource {
  std::filesystem::path folder;
  std::unique_ptr<AtomicFolder> scratch;  ///< never committed
  std::string name;                       ///< "terms/adapter", "0.7 terms/adapter + 0.3 style/adapter"
  nlohmann::ordered_json parts;           ///< as parts_json; null for a single adapter as it is
};

/// `sign` -1 turns every weight around. The caller has opened the adapters and told their warnings. Nothing
/// when `stop` ended it. Throws: Error as AdapterGroup::open and write_combination; kInternal when the sum is
/// not exact.
std::optional<MergeSource> open_merge_source(std::span<const WeightedAdapter> adapters, double sign,
                                             std::span<const LinearShape> linears,
                                             const std::filesystem::path& output,
                                             const std::function<bool()>& stop);

}  // namespace lore
