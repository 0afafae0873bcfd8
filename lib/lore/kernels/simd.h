#pragma once

#include <c10/util/BFloat16.h>

#include <bit>
#include <cmath>
#include <cstdint>

#include "lore/core/instruction_sets.h"

namespace lore::simd {

/// Elements of a reduction are dealt out over this many ordered partial sums, so that the sum is the
/// same for every instruction set's vector width and number of threads.
constexpr std::int64_t kLanes = 16;

inline float sum_of(const float (&lanes)[kLanes]) {
  float total = 0;
  for (const float lane : lanes) {
    total += lane;
  }
  return total;
}

/// e^x within 2 ulp for x <= 88; 0 below -87. Cody-Waite reduction and a degree 6 polynomial
/// (coefficients of Cephes' expf), without branches so that loops over it vectorize.
inline float exp(float x) {
  x = x < -87.0F ? -87.0F : (x > 88.0F ? 88.0F : x);
  const float n = (x * 1.44269504F + 12582912.0F) - 12582912.0F;
  const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const auto exponent = static_cast<std::int32_t>(n) + 127;
  return p * std::bit_cast<float>(exponent << 23);
}

inline float to_float(std::uint16_t bfloat16) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bfloat16) << 16);
}

/// Round to nearest even; NaN stays NaN.
inline std::uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  return static_cast<std::uint16_t>(value != value ? 0x7FC0 : rounded);
}

/// Widens `count` bfloat16 values.
void load(float* target, const c10::BFloat16* source, std::int64_t count);
/// Rounds `count` values to bfloat16.
void store(c10::BFloat16* target, const float* source, std::int64_t count);

/// The row at `source` as floats: itself, or widened into `scratch`.
inline const float* row(const float* source, float* /*scratch*/, std::int64_t /*count*/) { return source; }
inline const float* row(const c10::BFloat16* source, float* scratch, std::int64_t count) {
  load(scratch, source, count);
  return scratch;
}

/// Where a kernel writes the floats of the row at `target`, and how they get there.
inline float* out_row(float* target, float* /*scratch*/) { return target; }
inline float* out_row(c10::BFloat16* /*target*/, float* scratch) { return scratch; }
inline void finish_row(float* /*target*/, const float* /*scratch*/, std::int64_t /*count*/) {}
inline void finish_row(c10::BFloat16* target, const float* scratch, std::int64_t count) {
  store(target, scratch, count);
}

}  // namespace lore::simd
