#pragma once

#include <cstdint>
#include <span>

namespace lore {

/// Signed integers of 4 or 8 bits times a scale that a group of consecutive columns shares: x ~ scale * code,
/// codes in [-2^(bits-1), 2^(bits-1) - 1], as compressed-tensors stores weights ("symmetric", "int").

/// The scale >= 0 of one group that makes the squared error small, counted by `importance` where that is not
/// empty. The size of `x` is a multiple of 4.
float int_scale(std::span<const float> x, std::span<const float> importance, int bits);

/// The nearest code of each value; zeros for a scale of 0.
void int_codes(std::span<const float> x, float scale, int bits, std::span<std::int8_t> codes);

/// Words of 32 bits that hold `count` codes.
std::int64_t packed_words(std::int64_t count, int bits);

/// Puts code + 2^(bits-1) of element i at bit i * bits of the words, lowest first ("pack-quantized").
void pack_codes(std::span<const std::int8_t> codes, int bits, std::span<std::uint32_t> words);
/// The inverse.
void unpack_codes(std::span<const std::uint32_t> words, int bits, std::span<std::int8_t> codes);

}  // namespace lore
