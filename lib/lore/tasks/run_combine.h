#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/tasks/adapter_group.h"
#include "lore/tasks/environment.h"

namespace lore {

/// What `lore combine` is asked to do.
struct CombineRequest {
  std::vector<WeightedAdapter> adapters;
  std::filesystem::path output;
  CombinationMethod method = CombinationMethod::kCat;
  std::optional<double> density;      ///< needed by the methods that prune, and by no other
  std::optional<bool> sign_by_count;  ///< for the methods that elect signs
  std::optional<std::int64_t> rank;   ///< for the methods with SVD; nothing for the largest of the adapters
  std::uint64_t seed = 42;
  bool overwrite = false;
  bool allow_base_mismatch = false;
};

/// What came of it.
struct CombineOutcome {
  std::filesystem::path folder;
  Combination combination;
  std::vector<std::string> names;  ///< of the adapters
  CombinedAdapter combined;
  std::string base;  ///< the base that all of them record; empty when they record none
  double seconds = 0;
};

/// Makes one adapter of several: a PEFT folder with a manifest that names inputs, weights and method and
/// carries the base's hashes. No base is needed. Nothing when a signal ended it; the folder appears only
/// when it is complete.
/// Throws: Error kUsage for options that the method does not have or misses; kRefused for adapters of
/// different bases, updates that are zero or cancel out, or an output in use; kInput; kResources.
std::optional<CombineOutcome> run_combine(const CombineRequest& request, const Environment& environment,
                                          Messages& messages, const ModuleProgress& progress);

/// What --json prints.
nlohmann::ordered_json to_json(const CombineOutcome& outcome, const CombineRequest& request);

}  // namespace lore
