#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lore/nn/model_parameters.h"
#include "lore/tasks/importance.h"
#include "lore/tasks/layered_model.h"

namespace lore {

/// Told of the layers done so far, and of all.
using LayerProgress = std::function<void(std::int64_t, std::int64_t)>;

/// Which of a layer's inputs its linear at place `linear` (0: q_proj to 6: down_proj) has.
const at::Tensor& input_of(const DecoderLayer::Inputs& inputs, std::size_t linear);

/// The mean of x^2 over all tokens for each input of each linear of the decoder layers. Nothing when `stop`
/// ended it. Throws: Error kInput for a layer whose inputs are not finite.
std::optional<Importance> collect_importance(const WeightSource& source, const TokenSequences& sequences,
                                             const std::function<bool()>& stop,
                                             const LayerProgress& progress);

}  // namespace lore
