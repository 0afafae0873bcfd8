#include "lore/codecs/ggml_blocks.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "lore/codecs/half.h"
#include "lore/core/error.h"
#include "lore/core/instruction_sets.h"

namespace lore {
namespace {

constexpr int kSmall = 32;  ///< elements of a block of the older types

[[gnu::always_inline]] inline float half_at(const std::uint8_t* at) {
  std::uint16_t half;
  std::memcpy(&half, at, sizeof half);
  return float_from_half(half);
}

LORE_SIMD void decode_f16(const std::uint8_t* in, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = half_at(in + 2 * i);
  }
}

LORE_SIMD void decode_bf16(const std::uint8_t* in, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::uint16_t value;
    std::memcpy(&value, in + 2 * i, sizeof value);
    out[i] = float_from_bfloat16(value);
  }
}

[[gnu::always_inline]] inline void decode_q8_0(const std::uint8_t* in, float* out) {
  const float d = half_at(in);
  for (int i = 0; i < kSmall; ++i) {
    out[i] = static_cast<float>(static_cast<std::int8_t>(in[2 + i])) * d;
  }
}

[[gnu::always_inline]] inline void decode_q4_0(const std::uint8_t* in, float* out) {
  const float d = half_at(in);
  for (int i = 0; i < 16; ++i) {
    const int byte = in[2 + i];
    out[i] = d * static_cast<float>((byte & 15) - 8);
    out[i + 16] = d * static_cast<float>((byte >> 4) - 8);
  }
}

[[gnu::always_inline]] inline void decode_q4_1(const std::uint8_t* in, float* out) {
  const float d = half_at(in);
  const float m = half_at(in + 2);
  for (int i = 0; i < 16; ++i) {
    const int byte = in[4 + i];
    out[i] = d * static_cast<float>(byte & 15) + m;
    out[i + 16] = d * static_cast<float>(byte >> 4) + m;
  }
}

/// The 32 five-bit numbers of a Q5_0 or Q5_1 block: low halves in `low`, fifth bits in `high`.
[[gnu::always_inline]] inline std::array<int, kSmall> five_bits(const std::uint8_t* high,
                                                                const std::uint8_t* low) {
  std::uint32_t bits;
  std::memcpy(&bits, high, sizeof bits);
  std::array<int, kSmall> q;
  for (unsigned i = 0; i < 16; ++i) {
    q[i] = (low[i] & 15) | static_cast<int>((bits >> i & 1u) << 4);
    q[i + 16] = (low[i] >> 4) | static_cast<int>((bits >> (i + 16) & 1u) << 4);
  }
  return q;
}

[[gnu::always_inline]] inline void decode_q5_0(const std::uint8_t* in, float* out) {
  const float d = half_at(in);
  const auto q = five_bits(in + 2, in + 6);
  for (int i = 0; i < kSmall; ++i) {
    out[i] = d * static_cast<float>(q[static_cast<std::size_t>(i)] - 16);
  }
}

[[gnu::always_inline]] inline void decode_q5_1(const std::uint8_t* in, float* out) {
  const float d = half_at(in);
  const float m = half_at(in + 2);
  const auto q = five_bits(in + 4, in + 8);
  for (int i = 0; i < kSmall; ++i) {
    out[i] = d * static_cast<float>(q[static_cast<std::size_t>(i)]) + m;
  }
}

/// Scale and minimum of the 8 runs of 32 elements in a Q4_K or Q5_K block.
struct RunScales {
  std::array<float, 8> scale;
  std::array<float, 8> minimum;
};

/// Unpacks the block's front: d, dmin, then 8 scales and 8 minima of 6 bits in 12 bytes. The first four of
/// each are the low 6 bits of bytes 0-3 and 4-7, whose high 2 bits belong to the last four.
[[gnu::always_inline]] inline RunScales run_scales(const std::uint8_t* in) {
  const float d = half_at(in);
  const float dmin = half_at(in + 2);
  const std::uint8_t* packed = in + 4;
  RunScales result;
  for (std::size_t i = 0; i < 4; ++i) {
    const int low_scale = packed[i];
    const int low_minimum = packed[i + 4];
    const int high = packed[i + 8];
    result.scale[i] = d * static_cast<float>(low_scale & 63);
    result.minimum[i] = dmin * static_cast<float>(low_minimum & 63);
    result.scale[i + 4] = d * static_cast<float>((high & 15) | (low_scale >> 2 & 0x30));
    result.minimum[i + 4] = dmin * static_cast<float>((high >> 4) | (low_minimum >> 2 & 0x30));
  }
  return result;
}

[[gnu::always_inline]] inline void decode_q4_k(const std::uint8_t* in, float* out) {
  const RunScales runs = run_scales(in);
  const std::uint8_t* low = in + 16;
  for (std::size_t pair = 0; pair < 4; ++pair, low += 32, out += 64) {
    const float d0 = runs.scale[2 * pair];
    const float m0 = runs.minimum[2 * pair];
    const float d1 = runs.scale[2 * pair + 1];
    const float m1 = runs.minimum[2 * pair + 1];
    for (int i = 0; i < 32; ++i) {
      out[i] = d0 * static_cast<float>(low[i] & 15) - m0;
      out[i + 32] = d1 * static_cast<float>(low[i] >> 4) - m1;
    }
  }
}

[[gnu::always_inline]] inline void decode_q5_k(const std::uint8_t* in, float* out) {
  const RunScales runs = run_scales(in);
  const std::uint8_t* high = in + 16;
  const std::uint8_t* low = in + 48;
  for (std::size_t pair = 0; pair < 4; ++pair, low += 32, out += 64) {
    const float d0 = runs.scale[2 * pair];
    const float m0 = runs.minimum[2 * pair];
    const float d1 = runs.scale[2 * pair + 1];
    const float m1 = runs.minimum[2 * pair + 1];
    for (int i = 0; i < 32; ++i) {
      const int bits = high[i] >> (2 * pair);
      out[i] = d0 * static_cast<float>((low[i] & 15) | (bits & 1) << 4) - m0;
      out[i + 32] = d1 * static_cast<float>((low[i] >> 4) | (bits & 2) << 3) - m1;
    }
  }
}

[[gnu::always_inline]] inline void decode_q6_k(const std::uint8_t* in, float* out) {
  const std::uint8_t* low = in;
  const std::uint8_t* high = in + 128;
  const float d = half_at(in + 208);
  std::array<float, 16> scale;  // of each run of 16 elements
  for (std::size_t i = 0; i < scale.size(); ++i) {
    scale[i] = d * static_cast<float>(static_cast<std::int8_t>(in[192 + i]));
  }
  for (std::size_t half = 0; half < 2; ++half, low += 64, high += 32, out += 128) {
    const float* s = &scale[8 * half];
    for (std::size_t part = 0; part < 2; ++part) {
      for (std::size_t k = 0; k < 16; ++k) {
        const std::size_t i = 16 * part + k;
        const int bits = high[i];
        out[i] = s[part] * static_cast<float>(((low[i] & 15) | (bits & 3) << 4) - 32);
        out[i + 32] = s[part + 2] * static_cast<float>(((low[i + 32] & 15) | (bits >> 2 & 3) << 4) - 32);
        out[i + 64] = s[part + 4] * static_cast<float>(((low[i] >> 4) | (bits >> 4 & 3) << 4) - 32);
        out[i + 96] = s[part + 6] * static_cast<float>(((low[i + 32] >> 4) | (bits >> 6) << 4) - 32);
      }
    }
  }
}

/// Names a function `decode_<type>_blocks` that decodes `count` blocks with the instructions at hand.
#define LORE_DECODE_BLOCKS(type, bytes, elements)                                                \
  LORE_SIMD void decode_##type##_blocks(const std::uint8_t* in, float* out, std::size_t count) { \
    for (std::size_t i = 0; i < count; ++i) {                                                    \
      decode_##type(in + i * (bytes), out + i * (elements));                                     \
    }                                                                                            \
  }

LORE_DECODE_BLOCKS(q8_0, 34, 32)
LORE_DECODE_BLOCKS(q4_0, 18, 32)
LORE_DECODE_BLOCKS(q4_1, 20, 32)
LORE_DECODE_BLOCKS(q5_0, 22, 32)
LORE_DECODE_BLOCKS(q5_1, 24, 32)
LORE_DECODE_BLOCKS(q4_k, 144, 256)
LORE_DECODE_BLOCKS(q5_k, 176, 256)
LORE_DECODE_BLOCKS(q6_k, 210, 256)

}  // namespace

bool can_decode(GgmlType type) {
  switch (type) {
    case GgmlType::kF32:
    case GgmlType::kF16:
    case GgmlType::kBF16:
    case GgmlType::kQ8_0:
    case GgmlType::kQ4_0:
    case GgmlType::kQ4_1:
    case GgmlType::kQ5_0:
    case GgmlType::kQ5_1:
    case GgmlType::kQ4_K:
    case GgmlType::kQ5_K:
    case GgmlType::kQ6_K:
      return true;
    default:
      return false;
  }
}

void decode(GgmlType type, std::span<const std::byte> blocks, std::span<float> values) {
  if (!can_decode(type)) {
    throw Error(ErrorKind::kInput, std::string(name_of(type)),
                "this GGUF tensor type is not supported; F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, "
                "Q5_K and "
                "Q6_K are");
  }
  const BlockLayout layout = *block_layout(type);
  const std::size_t count = blocks.size() / static_cast<std::size_t>(layout.bytes);
  if (count * static_cast<std::size_t>(layout.bytes) != blocks.size() ||
      count * static_cast<std::size_t>(layout.elements) != values.size()) {
    throw Error(ErrorKind::kInternal, std::string(name_of(type)),
                fmt::format("{} bytes do not hold {} values", blocks.size(), values.size()));
  }
  if (count == 0) {
    return;
  }
  const auto* in = reinterpret_cast<const std::uint8_t*>(blocks.data());
  float* out = values.data();
  switch (type) {
    case GgmlType::kF16:
      return decode_f16(in, out, count);
    case GgmlType::kBF16:
      return decode_bf16(in, out, count);
    case GgmlType::kQ8_0:
      return decode_q8_0_blocks(in, out, count);
    case GgmlType::kQ4_0:
      return decode_q4_0_blocks(in, out, count);
    case GgmlType::kQ4_1:
      return decode_q4_1_blocks(in, out, count);
    case GgmlType::kQ5_0:
      return decode_q5_0_blocks(in, out, count);
    case GgmlType::kQ5_1:
      return decode_q5_1_blocks(in, out, count);
    case GgmlType::kQ4_K:
      return decode_q4_k_blocks(in, out, count);
    case GgmlType::kQ5_K:
      return decode_q5_k_blocks(in, out, count);
    case GgmlType::kQ6_K:
      return decode_q6_k_blocks(in, out, count);
    default:
      std::memcpy(out, in, blocks.size());
  }
}

}  // namespace lore
