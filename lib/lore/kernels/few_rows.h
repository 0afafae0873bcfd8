#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace lore {

/// The most rows that a product has while it decodes: with so few, what it takes is reading the weight once.
constexpr std::int64_t kFewRows = 8;

/// The rows of a weight that are worth a thread of their own.
constexpr std::int64_t product_grain(std::int64_t columns) {
  return columns < 32768 ? 32768 / (columns < 1 ? 1 : columns) : 1;
}

/// y = x·wᵀ for at most kFewRows rows on the CPU, at the speed at which w comes from memory: x [N, in] and
/// y [N, out] float32 or bfloat16 with contiguous rows, w [out, in] of either, never widened as a whole. Sums
/// are float32, and a row's do not depend on the other rows.
void few_rows_product(at::Tensor& y, const at::Tensor& x, const at::Tensor& w);

/// x as contiguous float32, for few_rows_dots.
at::Tensor widened_rows(const at::Tensor& x);

/// sums[n] = the dot product of `w` and row n of `x`; rows of x are `stride` floats apart.
void few_rows_dots(const float* w, const float* x, std::int64_t stride, std::int64_t rows,
                   std::int64_t columns, float* sums);

}  // namespace lore
