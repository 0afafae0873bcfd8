#pragma once

#include <functional>
#include <optional>

#include "lore/nn/weight_source.h"
#include "lore/tasks/calibration.h"
#include "lore/tasks/logit_difference.h"

namespace lore {

/// How far the logits of `other` are from those of `reference` over some texts, and what each loses on what
/// comes next in them. Both models are run a layer at a time in float32, so that no more than a layer of each
/// is in memory. They must have the same number of layers and vocabulary. Nothing when `stop` ended it.
/// Throws: Error kInput, kResources.
std::optional<LogitDifference> compare_models(const WeightSource& reference, const WeightSource& other,
                                              const TokenSequences& sequences,
                                              const std::function<bool()>& stop,
                                              const LayerProgress& progress);

}  // namespace lore
