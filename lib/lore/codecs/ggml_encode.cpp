#include "lore/codecs/ggml_encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "lore/codecs/ggml_blocks.h"
#include "lore/codecs/half.h"
#include "lore/codecs/k_encode.h"
#include "lore/codecs/legacy_encode.h"
#include "lore/core/error.h"

namespace lore {
namespace {

bool is_infinite_or_nan(std::uint16_t bits, std::uint16_t exponent) { return (bits & exponent) == exponent; }

bool encode_f32(std::span<const float> values, std::byte* out) {
  std::memcpy(out, values.data(), values.size_bytes());
  std::uint32_t largest = 0;
  for (const float value : values) {
    largest = std::max(largest, std::bit_cast<std::uint32_t>(value) & 0x7fffffffu);
  }
  return largest < 0x7f800000u;
}

bool encode_f16(std::span<const float> values, std::byte* out) {
  bool finite = true;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = half_from_float(values[i]);
    finite = finite && !is_infinite_or_nan(bits, 0x7c00u);
    std::memcpy(out + 2 * i, &bits, sizeof bits);
  }
  return finite;
}

bool encode_bf16(std::span<const float> values, std::byte* out) {
  std::uint16_t largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = bfloat16_from_float(values[i]);
    largest = std::max(largest, static_cast<std::uint16_t>(bits & 0x7fffu));
    std::memcpy(out + 2 * i, &bits, sizeof bits);
  }
  return largest < 0x7f80u;
}

/// d = max |x| / 127 as F16, then round(x / d) with the d of before that rounding.
bool encode_q8_0(const float* values, std::byte* out) {
  constexpr int kElements = 32;
  float largest = 0;
  bool finite = true;
  for (int i = 0; i < kElements; ++i) {
    const float magnitude = std::fabs(values[i]);
    finite = finite && std::isfinite(magnitude);
    largest = std::max(largest, magnitude);
  }
  const float d = largest / 127.0F;
  const float inverse = 1.0F / d;
  const std::uint16_t stored = half_from_float(d);
  std::memcpy(out, &stored, sizeof stored);
  // Zeros, and values so small that the inverse overflows: d itself is stored as zero.
  const bool vanishes = !std::isfinite(inverse);
  for (int i = 0; i < kElements; ++i) {
    const float code = vanishes || !finite ? 0.0F : std::round(values[i] * inverse);
    out[2 + i] = static_cast<std::byte>(static_cast<std::int8_t>(code));
  }
  return finite && !is_infinite_or_nan(stored, 0x7c00u);
}

/// The mean square of a row.
float spread_of(std::span<const float> row) {
  double sum = 0;
  for (const float value : row) {
    sum += static_cast<double>(value) * static_cast<double>(value);
  }
  return static_cast<float>(sum / static_cast<double>(row.size()));
}

/// One row, or with no importance any run of blocks.
bool encode_row(GgmlType type, std::span<const float> values, std::span<const float> importance,
                std::byte* out) {
  const BlockLayout layout = *block_layout(type);
  const auto elements = static_cast<std::size_t>(layout.elements);
  const float spread = importance.empty() ? 0 : spread_of(values);
  bool finite = true;
  for (std::size_t first = 0; first < values.size(); first += elements, out += layout.bytes) {
    const auto block = values.subspan(first, elements);
    const auto counts = importance.empty() ? importance : importance.subspan(first, elements);
    switch (type) {
      case GgmlType::kQ8_0:
        finite = encode_q8_0(block.data(), out) && finite;
        break;
      case GgmlType::kQ4_K:
      case GgmlType::kQ5_K:
      case GgmlType::kQ6_K:
        finite = encode_k_block(type, block, counts, out) && finite;
        break;
      default:
        finite = (counts.empty() ? encode_legacy_block(type, block, out)
                                 : encode_legacy_block(type, block, counts, spread, out)) &&
                 finite;
    }
  }
  return finite;
}

}  // namespace

bool can_encode(GgmlType type) { return can_decode(type); }

bool encode(GgmlType type, std::span<const float> values, std::span<std::byte> blocks,
            std::span<const float> importance) {
  if (!can_encode(type)) {
    throw Error(ErrorKind::kInternal, std::string(name_of(type)), "cannot be encoded");
  }
  const BlockLayout layout = *block_layout(type);
  const std::size_t count = blocks.size() / static_cast<std::size_t>(layout.bytes);
  if (count * static_cast<std::size_t>(layout.bytes) != blocks.size() ||
      count * static_cast<std::size_t>(layout.elements) != values.size() ||
      (!importance.empty() && values.size() % importance.size() != 0)) {
    throw Error(ErrorKind::kInternal, std::string(name_of(type)),
                fmt::format("{} values do not fill {} bytes", values.size(), blocks.size()));
  }
  if (count == 0) {
    return true;
  }
  switch (type) {
    case GgmlType::kF32:
      return encode_f32(values, blocks.data());
    case GgmlType::kF16:
      return encode_f16(values, blocks.data());
    case GgmlType::kBF16:
      return encode_bf16(values, blocks.data());
    default:
      break;
  }
  const std::size_t columns = importance.empty() ? values.size() : importance.size();
  const std::size_t row_bytes = blocks.size() / (values.size() / columns);
  bool finite = true;
  for (std::size_t row = 0; row < values.size() / columns; ++row) {
    finite = encode_row(type, values.subspan(row * columns, columns), importance,
                        blocks.data() + row * row_bytes) &&
             finite;
  }
  return finite;
}

}  // namespace lore
