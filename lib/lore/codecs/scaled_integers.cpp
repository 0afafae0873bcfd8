#include "lore/codecs/scaled_integers.h"

#include <algorithm>
#include <cmath>

#include "lore/codecs/half.h"
#include "lore/core/instruction_sets.h"

namespace lore {
namespace {

/// The largest magnitude, or NaN where a value is not finite.
float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) {
    if (!std::isfinite(value)) {
      return NAN;
    }
    largest = std::max(largest, std::fabs(value));
  }
  return largest;
}

/// Whole numbers nearest to value * inverse, ties to even: adding 1.5 * 2^23 leaves no place for a fraction.
LORE_SIMD void round_codes(const float* values, float inverse, std::size_t count, std::int8_t* codes) {
  constexpr float kRounder = 12582912.0F;
  for (std::size_t i = 0; i < count; ++i) {
    codes[i] =
        static_cast<std::int8_t>(static_cast<std::int32_t>((values[i] * inverse + kRounder) - kRounder));
  }
}

LORE_SIMD void scale_codes(const std::int8_t* codes, float scale, std::size_t count, float* values) {
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(codes[i]) * scale;
  }
}

/// Numbers of 4 bits, `count` rounded up to whole bytes, less `offset`.
LORE_SIMD void scale_pairs(const std::uint8_t* low, int offset, float scale, std::size_t count,
                           float* values) {
  for (std::size_t i = 0; i < (count + 1) / 2; ++i) {
    values[2 * i] = static_cast<float>((low[i] & 15) - offset) * scale;
    values[2 * i + 1] = static_cast<float>((low[i] >> 4) - offset) * scale;
  }
}

/// Numbers of 6 bits, `count` rounded up to whole bytes of `high`.
LORE_SIMD void scale_fours(const std::uint8_t* low, const std::uint8_t* high, int offset, float scale,
                           std::size_t count, float* values) {
  for (std::size_t i = 0; i < (count + 3) / 4; ++i) {
    const int bits = high[i];
    values[4 * i] = static_cast<float>(((low[2 * i] & 15) | (bits & 3) << 4) - offset) * scale;
    values[4 * i + 1] = static_cast<float>(((low[2 * i] >> 4) | (bits & 12) << 2) - offset) * scale;
    values[4 * i + 2] = static_cast<float>(((low[2 * i + 1] & 15) | (bits & 48)) - offset) * scale;
    values[4 * i + 3] = static_cast<float>(((low[2 * i + 1] >> 4) | (bits & 192) >> 2) - offset) * scale;
  }
}

}  // namespace

Int8Values::Int8Values(std::size_t rows, std::size_t columns)
    : columns_(columns), codes_(rows * columns), scales_(rows) {}

bool Int8Values::encode_rows(std::size_t first, std::span<const float> values) {
  for (std::size_t row = first; !values.empty(); ++row, values = values.subspan(columns_)) {
    const auto row_values = values.first(columns_);
    const float largest = largest_magnitude(row_values);
    if (std::isnan(largest)) {
      return false;
    }
    const float inverse = largest > 0x1p-120F ? 127.0F / largest : 0.0F;
    round_codes(row_values.data(), inverse, columns_, codes_.data() + row * columns_);
    scales_[row] = largest / 127.0F;
  }
  return true;
}

void Int8Values::decode_rows(std::size_t first, std::span<float> values) const {
  for (std::size_t row = first; !values.empty(); ++row, values = values.subspan(columns_)) {
    scale_codes(codes_.data() + row * columns_, scales_[row], columns_, values.data());
  }
}

GroupedIntegers::GroupedIntegers(std::size_t rows, std::size_t columns, int bits)
    : columns_(columns),
      bits_(bits),
      group_(columns % 128 == 0 ? 128 : 32),
      groups_((columns + group_ - 1) / group_),
      low_bytes_((columns + 3) / 4 * 2),
      high_bytes_(bits == 6 ? (columns + 3) / 4 : 0),
      low_(rows * low_bytes_),
      high_(rows * high_bytes_),
      scales_(rows * groups_) {}

bool GroupedIntegers::encode_rows(std::size_t first, std::span<const float> values) {
  const int offset = 1 << (bits_ - 1);
  for (std::size_t row = first; !values.empty(); ++row, values = values.subspan(columns_)) {
    std::uint8_t* low = low_.data() + row * low_bytes_;
    std::uint8_t* high = high_.data() + row * high_bytes_;
    for (std::size_t group = 0; group < groups_; ++group) {
      const std::size_t begin = group * group_;
      const auto numbers = values.subspan(begin, std::min(group_, columns_ - begin));
      const float largest = largest_magnitude(numbers);
      if (std::isnan(largest)) {
        return false;
      }
      const std::uint16_t stored = bfloat16_from_float(largest / (static_cast<float>(offset) - 0.5F));
      const float scale = float_from_bfloat16(stored);
      const float inverse = scale > 0x1p-120F ? 1.0F / scale : 0.0F;
      scales_[row * groups_ + group] = stored;
      std::int8_t codes[128];
      round_codes(numbers.data(), inverse, numbers.size(), codes);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        // The largest magnitude is half a scale beyond the last number.
        const auto code = static_cast<unsigned>(std::clamp<int>(codes[i], -offset, offset - 1) + offset);
        const std::size_t place = begin + i;
        low[place / 2] = static_cast<std::uint8_t>(low[place / 2] | (code & 15U) << (place % 2 * 4));
        if (bits_ == 6) {
          high[place / 4] = static_cast<std::uint8_t>(high[place / 4] | (code >> 4) << (place % 4 * 2));
        }
      }
    }
  }
  return true;
}

void GroupedIntegers::decode_rows(std::size_t first, std::span<float> values) const {
  const int offset = 1 << (bits_ - 1);
  for (std::size_t row = first; !values.empty(); ++row, values = values.subspan(columns_)) {
    const std::uint8_t* low = low_.data() + row * low_bytes_;
    const std::uint8_t* high = high_.data() + row * high_bytes_;
    for (std::size_t group = 0; group < groups_; ++group) {
      const std::size_t begin = group * group_;
      const std::size_t count = std::min(group_, columns_ - begin);
      const float scale = float_from_bfloat16(scales_[row * groups_ + group]);
      float whole[128];
      float* target = count % 4 == 0 ? values.data() + begin : whole;
      if (bits_ == 6) {
        scale_fours(low + begin / 2, high + begin / 4, offset, scale, count, target);
      } else {
        scale_pairs(low + begin / 2, offset, scale, count, target);
      }
      if (target == whole) {
        std::copy_n(whole, count, values.data() + begin);
      }
    }
  }
}

}  // namespace lore
