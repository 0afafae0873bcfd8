#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/formats/tensors_digest.h"
#include "lore/tasks/adapter_group.h"
#include "lore/tasks/environment.h"
#include "lore/tasks/merge_proof.h"
#include "lore/tasks/weight_difference.h"

namespace lore {

/// What `lore extract` is asked to do.
struct ExtractRequest {
  std::string base;                  ///< folder, GGUF file or hub id
  std::string tuned;                 ///< the same
  std::optional<std::int64_t> rank;  ///< of every module, or with `explain` the largest
  std::optional<double> explain;     ///< the share that each module's rank is chosen to explain
  std::vector<std::string> targets;  ///< names of modules as target_modules has them; empty: all that differ
  std::filesystem::path output;
  std::filesystem::path probe;  ///< file with a text a line, or empty for the default
  bool verify = true;
  bool overwrite = false;
};

/// A module that got a low-rank update.
struct ExtractedModule {
  std::string name;
  std::int64_t rank = 0;
  double squared_norm = 0;  ///< of the difference D
  double residual = 0;      ///< ||D - B A||^2
};

/// A tensor that differs and is not in the adapter.
struct LeftOut {
  std::string name;
  WeightDifference difference;
};

/// What came of it.
struct ExtractOutcome {
  std::filesystem::path folder;
  std::string base_name;
  std::string tuned_name;
  TensorsDigest base;
  TensorsDigest tuned;
  std::int64_t rank = 0;  ///< the largest
  std::int64_t parameters = 0;
  std::vector<ExtractedModule> modules;
  std::vector<LeftOut> left_out;  ///< the largest share first
  /// base + adapter against the tuned model; `adapter_effect` compares it with the base.
  std::optional<MergeProof> proof;
  double seconds = 0;

  /// The share of the difference of the adapted modules that the adapter explains.
  double explained() const;
  /// The share of all that differs.
  double explained_of_all() const;
};

/// Makes a LoRA adapter of the difference of two checkpoints of one shape: per module the best
/// approximation of D = tuned - base of its rank, by SVD: B = U sqrt(S), A = sqrt(S) V^T, scale 1. One module
/// is in memory at a time. Nothing when a signal ended it.
/// Throws: Error kRefused when nothing that a LoRA can hold differs, or the output is in use; kUsage; kInput
/// for models of different shapes or NaN; kResources.
std::optional<ExtractOutcome> run_extract(const ExtractRequest& request, const Environment& environment,
                                          Messages& messages, const ModuleProgress& progress);

/// What --json prints.
nlohmann::ordered_json to_json(const ExtractOutcome& outcome);

}  // namespace lore
