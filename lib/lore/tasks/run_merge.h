#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lore/core/messages.h"
#include "lore/tasks/adapter_group.h"
#include "lore/tasks/environment.h"
#include "lore/tasks/merge_report.h"

namespace lore {

/// What `lore merge` is asked to do.
struct MergeRequest {
  std::string base;                       ///< folder, GGUF file or hub id; the merged model with `subtract`
  std::vector<WeightedAdapter> adapters;  ///< their weighted sum is merged
  std::filesystem::path output;
  std::string dtype = "base";  ///< base | float32 | bfloat16 | float16
  std::uint64_t shard_bytes = 5'000'000'000;
  std::filesystem::path probe;  ///< file with a text a line, or empty for the default
  bool subtract = false;        ///< take the adapters out of a model they were merged into
  std::string original;         ///< with `subtract`: the model to compare the result with, or empty
  bool verify = true;
  bool overwrite = false;
  bool allow_base_mismatch = false;
};

/// What came of it.
struct MergeOutcome {
  std::filesystem::path folder;
  MergeReport report;
  double write_seconds = 0;  ///< weights merged and written; flushed, too, without a proof
  double proof_seconds = 0;
};

/// Merges adapters into their base, or with `subtract` takes them out again: writes a model folder that
/// appears under its name only when it is complete and, unless `verify` is false, proved. Nothing when a
/// signal ended it; then, as after any error, what was at the output is as it was.
///
/// Throws: Error kRefused for an adapter that changes nothing, a base that is not the adapter's (with
/// `subtract`: a model that it is not in), a merge whose proof fails, or an output folder that holds
/// something else; kInput; kResources.
std::optional<MergeOutcome> run_merge(const MergeRequest& request, const Environment& environment,
                                      Messages& messages);

}  // namespace lore
