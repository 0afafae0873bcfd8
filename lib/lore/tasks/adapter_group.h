#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lore/adapters/combination.h"
#include "lore/adapters/stored_adapter.h"
#include "lore/tasks/base_binding.h"

namespace lore {

/// An adapter folder and what its update counts for in a sum.
struct WeightedAdapter {
  std::string folder;
  double weight = 1;
};

/// Several adapters opened together, as they are added up.
struct AdapterGroup {
  struct Part {
    std::string name;  ///< of the folder, never an absolute path
    std::string folder;
    double weight;
    StoredAdapter adapter;
    std::optional<BaseBinding> binding;
    std::vector<std::size_t> places;  ///< of each of the adapter's modules in `modules`
  };
  std::vector<Part> parts;
  std::vector<LinearShape> modules;       ///< all that one of them adapts
  std::vector<std::string> linear_names;  ///< of the linears they were opened for, adapted or not

  /// Opens the adapters against the linears of a base, or without a base (`linears` empty) against what
  /// their own files say.
  /// Throws: Error kInput for an adapter that cannot be read or added (DoRA, saved modules, biases), or for
  /// two that have one module in two shapes; kRefused for one of zeros.
  static AdapterGroup open(std::span<const WeightedAdapter> adapters, std::span<const LinearShape> linears,
                           std::vector<std::string>& warnings);

  /// The modules at one place, with their weights. Throws: Error kInput for NaN or infinite values.
  std::vector<WeightedLowRank> read(std::size_t module) const;
  /// The largest rank of any module.
  std::int64_t largest_rank() const;
};

/// What adding adapters up came to. Norms are Frobenius norms over all modules.
struct CombinationStatistics {
  std::vector<double> norms;                 ///< of each adapter's own update
  std::vector<std::vector<double>> cosines;  ///< between the updates
  double sum_norm = 0;                       ///< of the exact weighted sum
  double result_norm = 0;
  double relative_error = 0;  ///< ||result - sum|| / ||sum||
};

/// What a combination wrote.
struct CombinedAdapter {
  PeftConfig config;
  std::size_t modules = 0;
  std::int64_t parameters = 0;
  CombinationStatistics statistics;
};

/// Called before each module with its number and how many there are; false ends the work.
using ModuleProgress = std::function<bool(std::size_t module, std::size_t modules)>;

/// Combines the group into adapter_config.json and adapter_model.safetensors in the existing `folder`,
/// module by module; `svd_rank` 0 stands for the largest rank of the adapters. The configuration is the
/// first adapter's with r = lora_alpha = the rank and no patterns. Nothing when `progress` ended it.
/// Throws: Error kUsage when ranks differ and the method needs equal ones; kRefused when the updates cancel
/// out; kInput; kResources.
std::optional<CombinedAdapter> write_combination(const AdapterGroup& group, const Combination& combination,
                                                 std::int64_t svd_rank, const std::filesystem::path& folder,
                                                 const ModuleProgress& progress);

/// {"name", "weight", "sha256", "tensors", "bytes", "r", "lora_alpha", "use_rslora", "modules"} of each.
nlohmann::ordered_json parts_json(const AdapterGroup& group);

/// The base that the adapters name, when all that name one name the same.
/// Throws: Error kRefused when they do not, unless `allow_mismatch`, which warns and leaves the base open.
std::optional<BaseBinding> common_binding(const AdapterGroup& group, bool allow_mismatch,
                                          std::vector<std::string>& warnings);

}  // namespace lore
