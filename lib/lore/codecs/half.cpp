#include "lore/codecs/half.h"

namespace lore {

std::uint16_t half_from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return static_cast<std::uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x1ffu));
  }
  if (magnitude >= 0x477ff000u) {  // 65520 and up round to infinity
    return static_cast<std::uint16_t>(sign | 0x7c00u);
  }
  std::uint32_t result = 0;
  if (magnitude < 0x38800000u) {  // below 2^-14 the half is subnormal: a multiple of 2^-24
    const std::uint32_t exponent = magnitude >> 23;
    if (exponent >= 102) {  // 2^-25, a tie to zero, and up
      const std::uint32_t mantissa = (magnitude & 0x007fffffu) | 0x00800000u;
      const std::uint32_t shift = 126 - exponent;
      const std::uint32_t kept = mantissa >> shift;
      const std::uint32_t rest = mantissa & ((1u << shift) - 1);
      const std::uint32_t half_way = 1u << (shift - 1);
      result = kept + (rest > half_way || (rest == half_way && (kept & 1u) != 0) ? 1 : 0);
    }
  } else {
    const std::uint32_t rebased = magnitude - (112u << 23);
    result = (rebased + 0x0fffu + (rebased >> 13 & 1u)) >> 13;
  }
  return static_cast<std::uint16_t>(sign | result);
}

}  // namespace lore
