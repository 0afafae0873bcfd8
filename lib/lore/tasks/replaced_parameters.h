#pragma once

#include <vector>

#include "lore/tasks/merge_plan.h"
#include "lore/tasks/merge_stream.h"

namespace lore {

/// What the merge did to each parameter that the adapter brings whole: the update is the difference between
/// the adapter's values and the base's. One entry each, named after the module, a bias with ".bias" after it.
std::vector<ModuleUpdate> replaced_parameters(const MergePlan& plan, const MergeBase& base,
                                              const StoredAdapter& adapter);

/// PEFT saves the base's own embeddings or head beside an adapter on them, and loads them again: they must be
/// the base's. Throws: Error kRefused.
void refuse_other_base_copies(const StoredAdapter& adapter, const MergeBase& base);

}  // namespace lore
