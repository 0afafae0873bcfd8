#pragma once

#include <cstdint>

namespace lore {

/// Two bfloat16 values that follow each other along the dimension that a product sums over; the first is in
/// the lower half.
using Bfloat16Pair = std::uint32_t;

/// A matrix whose element (i, j) lies at data[i * row_stride + j * column_stride].
template <class Element>
struct TileView {
  const Element* data;
  std::int64_t row_stride;
  std::int64_t column_stride = 1;

  TileView transposed() const { return {data, column_stride, row_stride}; }
};

/// c += a·b on one thread, for tiles that fit the caches: a [m, k], b [k, n], c [m, n]; rows of b and c are
/// `b_stride` and `c_stride` floats apart, and n is a multiple of 16.
void add_tile_product(float* c, std::int64_t c_stride, const TileView<float>& a, const float* b,
                      std::int64_t b_stride, std::int64_t m, std::int64_t n, std::int64_t k);

/// The same of k pairs, by the processor's own bfloat16 products with float32 sums; strides count elements.
/// REQUIRES has_native_bf16().
void add_tile_product(float* c, std::int64_t c_stride, const TileView<Bfloat16Pair>& a, const Bfloat16Pair* b,
                      std::int64_t b_stride, std::int64_t m, std::int64_t n, std::int64_t k);

}  // namespace lore
