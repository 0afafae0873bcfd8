#pragma once

#include "lore/nn/weight_source.h"

namespace lore {

/// Throws: Error kInput when the model holds tensors that are not part of its architecture.
void refuse_unknown_tensors(const WeightSource& source);

}  // namespace lore
