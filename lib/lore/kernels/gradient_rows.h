#pragma once

#include <ATen/core/Tensor.h>

namespace lore {

// Sums into float32 gradients. Each element of the sum adds its rows in their order, whatever the number of
// threads. Throws: Error(kInternal) on shapes or types that do not match.

/// sum[ids[n]] += rows[n]: sum [V, D] float32, ids int64 [N] in [0, V), rows [N, D] float32 or bfloat16.
void add_rows(at::Tensor& sum, const at::Tensor& ids, const at::Tensor& rows);

/// sum += the sum of the rows of x: sum [D] float32, x [N, D] float32 or bfloat16.
void add_row_sum(at::Tensor& sum, const at::Tensor& x);

}  // namespace lore
