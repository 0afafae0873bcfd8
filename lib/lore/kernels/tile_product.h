#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace lore {

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
/// The same with b in bfloat16, which is widened again for each three rows of a.
void add_tile_product(float* c, std::int64_t c_stride, const TileView<float>& a, const c10::BFloat16* b,
                      std::int64_t b_stride, std::int64_t m, std::int64_t n, std::int64_t k);

}  // namespace lore
