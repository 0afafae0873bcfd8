#include "lore/kernels/tile_operands.h"

#include <cstring>

#include "lore/kernels/simd.h"

namespace lore {
namespace {

const std::uint16_t* bits_of(const c10::BFloat16* row) { return reinterpret_cast<const std::uint16_t*>(row); }

constexpr Bfloat16Pair pair_of(std::uint16_t first, std::uint16_t second) {
  return static_cast<Bfloat16Pair>(first) | static_cast<Bfloat16Pair>(second) << 16;
}

LORE_SIMD void stack(Bfloat16Pair* target, const std::uint16_t* first, const std::uint16_t* second,
                     std::int64_t count) {
  for (std::int64_t c = 0; c < count; ++c) {
    target[c] = pair_of(first[c], second[c]);
  }
}

LORE_SIMD void stack_first(Bfloat16Pair* target, const std::uint16_t* first, std::int64_t count) {
  for (std::int64_t c = 0; c < count; ++c) {
    target[c] = first[c];
  }
}

LORE_SIMD void round_rows(Bfloat16Pair* target, const float* tile, std::int64_t count) {
  for (std::int64_t c = 0; c < count; ++c) {
    target[c] = pair_of(simd::to_bfloat16(tile[2 * c]), simd::to_bfloat16(tile[2 * c + 1]));
  }
}

LORE_SIMD void round_stacked(Bfloat16Pair* target, const float* first, const float* second) {
  for (std::int64_t c = 0; c < kTile; ++c) {
    target[c] = pair_of(simd::to_bfloat16(first[c]), simd::to_bfloat16(second[c]));
  }
}

}  // namespace

void Bfloat16Tiles::rows(Bfloat16Pair* target, std::int64_t width, const Source& source, std::int64_t first,
                         std::int64_t count, std::int64_t d) {
  const auto bytes = static_cast<std::size_t>(d) * sizeof(c10::BFloat16);
  for (std::int64_t i = 0; i < count; ++i) {
    Bfloat16Pair* row = target + i * (width / 2);
    std::fill(row + d / 2, row + width / 2, 0U);
    std::memcpy(row, source.row(first + i), bytes);
  }
}

void Bfloat16Tiles::stacked_rows(Bfloat16Pair* target, std::int64_t width, const Source& source,
                                 std::int64_t first, std::int64_t count, std::int64_t d) {
  for (std::int64_t i = 0; i < count; i += 2) {
    Bfloat16Pair* row = target + i / 2 * width;
    if (i + 1 < count) {
      stack(row, bits_of(source.row(first + i)), bits_of(source.row(first + i + 1)), d);
    } else {
      stack_first(row, bits_of(source.row(first + i)), d);
    }
    std::fill(row + d, row + width, 0U);
  }
}

void Bfloat16Tiles::columns(std::vector<Bfloat16Pair>& target, const Source& source, std::int64_t count,
                            std::int64_t d) {
  const std::int64_t steps = (d + 1) / 2;
  target.assign(static_cast<std::size_t>(rounded_up(count, kTile) * steps), 0U);
  for (std::int64_t i = 0; i < count; ++i) {
    Bfloat16Pair* tile = target.data() + i / kTile * (kTile * steps) + i % kTile;
    const std::uint16_t* from = bits_of(source.row(i));
    for (std::int64_t c = 0; c < d / 2; ++c) {
      tile[c * kTile] = pair_of(from[2 * c], from[2 * c + 1]);
    }
    if (d % 2 != 0) {
      tile[d / 2 * kTile] = from[d - 1];
    }
  }
}

const Bfloat16Pair* Bfloat16Tiles::scores(const float* tile, std::int64_t count, Bfloat16Pair* scratch) {
  round_rows(scratch, tile, count * kTile / 2);
  return scratch;
}

const Bfloat16Pair* Bfloat16Tiles::stacked_scores(const float* tile, std::int64_t count,
                                                  Bfloat16Pair* scratch) {
  static constexpr float kNoRow[kTile] = {};
  for (std::int64_t i = 0; i < count; i += 2) {
    const float* first = tile + i * kTile;
    round_stacked(scratch + i / 2 * kTile, first, i + 1 < count ? first + kTile : kNoRow);
  }
  return scratch;
}

}  // namespace lore
