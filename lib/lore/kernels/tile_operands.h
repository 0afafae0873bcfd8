#pragma once

#include <c10/util/BFloat16.h>

#include <vector>

#include "lore/kernels/pair_product.h"
#include "lore/kernels/score_tiles.h"

namespace lore {

/// One head of a packed tensor [N, heads, d]: row n of a segment begins at data + n * stride.
template <class T>
struct Head {
  T* data;
  std::int64_t stride;

  T* row(std::int64_t n) const { return data + n * stride; }
};

// How attention lays out the operands of its products, [m, k] by [k, n]. An element holds kDepth values that
// follow each other along k; what is missing of the last is zero. Rows and columns that a head does not have
// are zero, too.

/// float32 products of tensors of any type.
struct FloatTiles {
  using Element = float;
  static constexpr std::int64_t kDepth = 1;

  /// Rows [first, first + count) of a head, k along d: [count][width].
  template <class T>
  static void rows(float* target, std::int64_t width, const Head<const T>& source, std::int64_t first,
                   std::int64_t count, std::int64_t d) {
    for (std::int64_t i = 0; i < count; ++i) {
      copy_row(target + i * width, width, source.row(first + i), d, 1.0F);
    }
  }
  /// The same rows, k along the rows: [count][width].
  template <class T>
  static void stacked_rows(float* target, std::int64_t width, const Head<const T>& source, std::int64_t first,
                           std::int64_t count, std::int64_t d) {
    rows(target, width, source, first, count, d);
  }
  /// The first `count` rows as columns, k along d, tile after tile: [tile][d][kTile].
  template <class T>
  static void columns(std::vector<float>& target, const Head<const T>& source, std::int64_t count,
                      std::int64_t d) {
    target.assign(static_cast<std::size_t>(rounded_up(count, kTile) * d), 0.0F);
    for (std::int64_t i = 0; i < count; ++i) {
      float* tile = target.data() + i / kTile * (kTile * d) + i % kTile;
      const T* from = source.row(i);
      for (std::int64_t c = 0; c < d; ++c) {
        tile[c * kTile] = static_cast<float>(from[c]);
      }
    }
  }
  /// A tile of scores [count][kTile], k along its rows' columns: [count][kTile].
  static const float* scores(const float* tile, std::int64_t /*count*/, float* /*scratch*/) { return tile; }
  /// The same tile, k along the rows: [count][kTile].
  static const float* stacked_scores(const float* tile, std::int64_t /*count*/, float* /*scratch*/) {
    return tile;
  }
};

/// Products of pairs of bfloat16; scores are rounded to bfloat16 for them. Widths are even.
struct Bfloat16Tiles {
  using Element = Bfloat16Pair;
  static constexpr std::int64_t kDepth = 2;
  using Source = Head<const c10::BFloat16>;

  /// [count][width / 2]
  static void rows(Bfloat16Pair* target, std::int64_t width, const Source& source, std::int64_t first,
                   std::int64_t count, std::int64_t d);
  /// [(count + 1) / 2][width]
  static void stacked_rows(Bfloat16Pair* target, std::int64_t width, const Source& source, std::int64_t first,
                           std::int64_t count, std::int64_t d);
  /// [tile][(d + 1) / 2][kTile]
  static void columns(std::vector<Bfloat16Pair>& target, const Source& source, std::int64_t count,
                      std::int64_t d);
  /// [count][kTile / 2]
  static const Bfloat16Pair* scores(const float* tile, std::int64_t count, Bfloat16Pair* scratch);
  /// [(count + 1) / 2][kTile]
  static const Bfloat16Pair* stacked_scores(const float* tile, std::int64_t count, Bfloat16Pair* scratch);
};

}  // namespace lore
