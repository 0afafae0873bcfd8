#include "lore/codecs/legacy_encode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "lore/codecs/block_fit.h"
#include "lore/codecs/half.h"

namespace lore {
namespace {

constexpr std::size_t kElements = 32;

using Codes = std::array<std::uint8_t, kElements>;

bool has_minimum(GgmlType type) { return type == GgmlType::kQ4_1 || type == GgmlType::kQ5_1; }
bool has_fifth_bit(GgmlType type) { return type == GgmlType::kQ5_0 || type == GgmlType::kQ5_1; }
int levels_of(GgmlType type) { return has_fifth_bit(type) ? 32 : 16; }

bool is_finite_half(std::uint16_t bits) { return (bits & 0x7c00u) != 0x7c00u; }

/// Scale, minimum where there is one, fifth bits where there are, then the low halves of the codes.
void pack(GgmlType type, std::uint16_t scale, std::uint16_t minimum, const Codes& codes, std::byte* out) {
  std::memcpy(out, &scale, sizeof scale);
  out += sizeof scale;
  if (has_minimum(type)) {
    std::memcpy(out, &minimum, sizeof minimum);
    out += sizeof minimum;
  }
  if (has_fifth_bit(type)) {
    std::uint32_t high = 0;
    for (std::size_t i = 0; i < kElements; ++i) {
      high |= static_cast<std::uint32_t>(codes[i] >> 4 & 1) << i;
    }
    std::memcpy(out, &high, sizeof high);
    out += sizeof high;
  }
  for (std::size_t i = 0; i < kElements / 2; ++i) {
    out[i] = static_cast<std::byte>((codes[i] & 15) | (codes[i + kElements / 2] & 15) << 4);
  }
}

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

bool refuse(std::byte* block, GgmlType type) {
  std::memset(block, 0, static_cast<std::size_t>(block_layout(type)->bytes));
  return false;
}

}  // namespace

bool encode_legacy_block(GgmlType type, std::span<const float> values, std::byte* block) {
  if (!all_finite(values)) {
    return refuse(block, type);
  }
  const int levels = levels_of(type);
  float scale = 0;
  float minimum = 0;
  if (has_minimum(type)) {
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    minimum = *lowest;
    scale = (*highest - minimum) / static_cast<float>(levels - 1);
  } else {
    float extreme = values[0];
    for (const float value : values) {
      extreme = std::fabs(value) > std::fabs(extreme) ? value : extreme;
    }
    scale = extreme / static_cast<float>(-levels / 2);
  }
  // Zeros, and values so small that the inverse overflows: the scale itself is stored as zero.
  const float inverse = std::isfinite(1.0F / scale) ? 1.0F / scale : 0.0F;
  const float half = has_minimum(type) ? 0.5F : static_cast<float>(levels / 2) + 0.5F;
  Codes codes;
  for (std::size_t i = 0; i < kElements; ++i) {
    const auto code = static_cast<int>((values[i] - minimum) * inverse + half);
    codes[i] = static_cast<std::uint8_t>(std::clamp(code, 0, levels - 1));
  }
  const std::uint16_t stored = half_from_float(scale);
  const std::uint16_t stored_minimum = half_from_float(minimum);
  pack(type, stored, stored_minimum, codes, block);
  return is_finite_half(stored) && is_finite_half(stored_minimum);
}

bool encode_legacy_block(GgmlType type, std::span<const float> values, std::span<const float> importance,
                         float spread, std::byte* block) {
  if (!all_finite(values)) {
    return refuse(block, type);
  }
  const int levels = levels_of(type);
  std::array<float, kElements> weights;
  weigh(values, importance, spread, weights);
  const AffineFit fit = has_minimum(type)
                            ? fit_affine(values, weights, levels - 1, /*negative_minimum=*/false)
                            : AffineFit{fit_scale(values, weights, levels / 2), 0};
  const std::uint16_t scale = half_from_float(fit.scale);
  const std::uint16_t minimum = half_from_float(fit.minimum);
  if (!is_finite_half(scale) || !is_finite_half(minimum)) {
    return refuse(block, type);
  }
  const float offset = has_minimum(type) ? 0.0F : static_cast<float>(levels / 2);
  std::array<float, kElements> rounded;
  round_codes(values, {float_from_half(scale), float_from_half(minimum)}, -offset,
              static_cast<float>(levels - 1) - offset, rounded);
  Codes codes;
  for (std::size_t i = 0; i < kElements; ++i) {
    codes[i] = static_cast<std::uint8_t>(rounded[i] + offset);
  }
  pack(type, scale, minimum, codes, block);
  return true;
}

}  // namespace lore
