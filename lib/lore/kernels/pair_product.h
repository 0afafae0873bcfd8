#pragma once

#include "lore/kernels/tile_product.h"

namespace lore {

/// Two bfloat16 values that follow each other along the dimension that a product sums over; the first is in
/// the lower half.
using Bfloat16Pair = std::uint32_t;

/// c += a·b as for float32 tiles, of k pairs, by the processor's own bfloat16 products with float32 sums;
/// strides count elements. REQUIRES has_native_bf16().
void add_tile_product(float* c, std::int64_t c_stride, const TileView<Bfloat16Pair>& a, const Bfloat16Pair* b,
                      std::int64_t b_stride, std::int64_t m, std::int64_t n, std::int64_t k);

}  // namespace lore
