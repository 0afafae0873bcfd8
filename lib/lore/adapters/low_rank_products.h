#pragma once

#include "lore/nn/low_rank.h"

namespace lore {

/// The inner product <D1, D2> of two updates D = scale B A of one module, in float64 and without forming
/// either: scale1 scale2 sum((B1^T B2) * (A1 A2^T)), r1 x r2 products.
double inner_product(const LowRank& first, const LowRank& second);

/// B A scaled, float32 [out, in].
at::Tensor dense_update(const LowRank& low_rank);

}  // namespace lore
