#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace lore {

/// Numbers of a row that share a scale.
constexpr std::int64_t kBlock = 32;
/// Neighbours that processors sum up in one step when they multiply int8.
constexpr std::int64_t kLane = 4;

/// A row of numbers as int8, in pairs of blocks: number i is codes[i] * lane_scales[i / 4].
struct Int8Row {
  const std::int8_t* codes;
  const float* lane_scales;  ///< the scale of the block, for each 4 numbers
  const float* lane_sums;    ///< the sum of each 4 numbers
};

/// Rows of activations as int8 with a scale for each 32 numbers, which is their largest magnitude over 127:
/// the numbers of llama.cpp's Q8_0 with an unrounded scale. Where blocks are odd in number a block of zeros
/// follows. A NaN or infinity makes its block NaN.
class Int8Rows {
 public:
  /// x [N, in] of float32 or bfloat16 on the CPU. Throws: Error(kInternal) where in is not a multiple of 32.
  explicit Int8Rows(const at::Tensor& x);

  std::int64_t rows() const { return rows_; }
  Int8Row row(std::int64_t n) const;

 private:
  std::int64_t rows_;
  std::int64_t width_;  ///< numbers of a row, rounded up to whole pairs of blocks
  std::vector<std::int8_t> codes_;
  std::vector<float> lane_scales_;
  std::vector<float> lane_sums_;
};

}  // namespace lore
