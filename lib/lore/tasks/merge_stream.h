#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "lore/kernels/add_rounded.h"
#include "lore/tasks/merge_plan.h"

namespace lore {

/// What the merge did to the weight of one adapted module.
struct ModuleUpdate {
  std::string module;
  RoundedUpdate update;
};

/// Writes the planned tensors into the shards of `folder`, W + scale B A computed in float32 and rounded
/// once, on all threads, in pieces of a few megabytes whatever the size of the model. The disk begins with
/// them early, and the caller flushes them. `stop`, asked before every piece, ends it early.
/// Returns one entry for each module of the adapter, or none when it was stopped.
/// Throws: Error kInput naming a tensor of the base with NaN or infinite values; kRefused when a merged
/// value is too large for its dtype; kResources.
std::vector<ModuleUpdate> write_merged(const MergePlan& plan, const MergeBase& base,
                                       const StoredAdapter& adapter, const std::filesystem::path& folder,
                                       const std::function<bool()>& stop);

/// Writes model.safetensors.index.json where there is more than one shard. Throws: Error kResources.
void write_index(const MergePlan& plan, const std::filesystem::path& folder);

}  // namespace lore
