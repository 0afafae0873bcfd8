#include "lore/kernels/int8_rows.h"

#include <algorithm>
#include <bit>

#include "lore/kernels/checks.h"
#include "lore/kernels/few_rows.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"

namespace lore {
namespace {

/// Adding and taking away 1.5 * 2^23 rounds a small float to the nearest whole number, ties to even.
constexpr float kRounder = 12582912.0F;

LORE_SIMD void quantize_row(const float* x, std::int64_t columns, std::int8_t* codes, float* lane_scales,
                            float* lane_sums) {
  for (std::int64_t begin = 0; begin < columns; begin += kBlock) {
    // As whole numbers, magnitudes are in the order of the floats, with infinity and NaN above all.
    std::int32_t largest_bits = 0;
    for (std::int64_t i = 0; i < kBlock; ++i) {
      largest_bits = std::max(largest_bits, std::bit_cast<std::int32_t>(x[begin + i]) & 0x7FFFFFFF);
    }
    const bool is_finite = largest_bits < 0x7F800000;
    const float largest = std::bit_cast<float>(is_finite ? largest_bits : 0x7FC00000);
    const float scale = largest / 127.0F;
    // Below 2^-120 the inverse would overflow: such a block is zeros.
    const float inverse = is_finite && largest > 0x1p-120F ? 127.0F / largest : 0.0F;
    for (std::int64_t i = 0; i < kBlock; ++i) {
      const float value = is_finite ? x[begin + i] * inverse : 0.0F;
      codes[begin + i] = static_cast<std::int8_t>(static_cast<std::int32_t>((value + kRounder) - kRounder));
    }
    for (std::int64_t lane = 0; lane < kBlock / kLane; ++lane) {
      const std::int8_t* four = codes + begin + lane * kLane;
      const int sum = four[0] + four[1] + four[2] + four[3];
      lane_scales[begin / kLane + lane] = scale;
      lane_sums[begin / kLane + lane] = scale * static_cast<float>(sum);
    }
  }
}

}  // namespace

Int8Rows::Int8Rows(const at::Tensor& x) : rows_(x.size(0)) {
  const std::int64_t columns = x.size(1);
  check_argument(x.is_cpu() && columns % kBlock == 0, "Int8Rows", "rows of whole blocks of 32 on the CPU");
  width_ = (columns + 2 * kBlock - 1) / (2 * kBlock) * (2 * kBlock);
  codes_.resize(static_cast<std::size_t>(rows_ * width_));
  lane_scales_.resize(codes_.size() / kLane);
  lane_sums_.resize(codes_.size() / kLane);
  const at::Tensor wide = widened_rows(x);
  const float* values = wide.data_ptr<float>();
  parallel_for(0, rows_, product_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t place = n * width_;
      quantize_row(values + n * columns, columns, codes_.data() + place, lane_scales_.data() + place / kLane,
                   lane_sums_.data() + place / kLane);
    }
  });
}

Int8Row Int8Rows::row(std::int64_t n) const {
  const std::int64_t place = n * width_;
  return {codes_.data() + place, lane_scales_.data() + place / kLane, lane_sums_.data() + place / kLane};
}

}  // namespace lore
