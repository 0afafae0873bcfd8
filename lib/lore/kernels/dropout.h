#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace lore {

/// x where kept, scaled by 1 / (1 - p), and 0 where dropped, each element with probability p.
///
/// Stateless: element i (in row-major order) belongs to the Philox block with
/// counter {low word of i / 4, high word of i / 4, layer_stream, 0} and the given key, and takes
/// its word i % 4; it is dropped if that word < p · 2³². The same call on the gradient is the backward.
/// Throws: Error(kInternal) unless x is contiguous float32 or bfloat16 and 0 <= p < 1.
at::Tensor dropout(const at::Tensor& x, double p, std::uint64_t key, std::uint32_t layer_stream);

}  // namespace lore
