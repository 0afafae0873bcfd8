#include "lore/codecs/int_codes.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lore/codecs/block_fit.h"

namespace lore {

float int_scale(std::span<const float> x, std::span<const float> importance, int bits) {
  const int levels = 1 << (bits - 1);
  const bool counts = std::any_of(importance.begin(), importance.end(), [](float w) { return w > 0; });
  if (counts) {
    return fit_positive_scale(x, importance, levels);
  }
  const std::vector<float> ones(x.size(), 1.0F);
  return fit_positive_scale(x, ones, levels);
}

void int_codes(std::span<const float> x, float scale, int bits, std::span<std::int8_t> codes) {
  const auto levels = static_cast<float>(1 << (bits - 1));
  const float inverse = 1.0F / scale;
  if (!std::isfinite(inverse)) {
    std::fill(codes.begin(), codes.end(), std::int8_t{0});
    return;
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    codes[i] = static_cast<std::int8_t>(std::clamp(std::nearbyint(x[i] * inverse), -levels, levels - 1));
  }
}

std::int64_t packed_words(std::int64_t count, int bits) { return (count * bits + 31) / 32; }

void pack_codes(std::span<const std::int8_t> codes, int bits, std::span<std::uint32_t> words) {
  std::fill(words.begin(), words.end(), 0U);
  const int offset = 1 << (bits - 1);
  const auto width = static_cast<std::size_t>(bits);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto stored = static_cast<std::uint32_t>(codes[i] + offset);
    words[i * width / 32] |= stored << (i * width % 32);
  }
}

void unpack_codes(std::span<const std::uint32_t> words, int bits, std::span<std::int8_t> codes) {
  const int offset = 1 << (bits - 1);
  const auto width = static_cast<std::size_t>(bits);
  const std::uint32_t mask = (1U << width) - 1;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    codes[i] =
        static_cast<std::int8_t>(static_cast<int>(words[i * width / 32] >> (i * width % 32) & mask) - offset);
  }
}

}  // namespace lore
