#pragma once

#include <ATen/core/Tensor.h>

#include "lore/kernels/block_dots.h"

namespace lore {

/// y = x·wᵀ with x rounded to int8 (Int8Rows) and w as it is stored: x [N, in] and y [N, out] float32 or
/// bfloat16 on the CPU with contiguous rows, `w` `out` rows of in / 32 blocks. With few rows it takes the
/// time in which w comes from memory. A row of y does not depend on the other rows of x, nor on the number of
/// threads. Source: llama.cpp, which multiplies these types so.
/// Throws: Error(kInternal) on shapes or types that do not fit.
void block_product(at::Tensor& y, const at::Tensor& x, BlockForm form, const std::byte* w);

}  // namespace lore
