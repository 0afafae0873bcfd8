#pragma once

#include <ATen/core/Tensor.h>

namespace lore {

/// The most rows of x for which few_rows_product is the faster way to y = x·wᵀ.
constexpr std::int64_t kFewRows = 16;

/// y = x·wᵀ as matmul_nt_out, for the few tokens of a decoding step: reads w once, in its own type, which is
/// all that such a product costs. Each sum goes over `in` in one order, so that a row of y is the same
/// whatever other rows there are. On the CPU alone.
void few_rows_product(at::Tensor& y, const at::Tensor& x, const at::Tensor& w);

}  // namespace lore
