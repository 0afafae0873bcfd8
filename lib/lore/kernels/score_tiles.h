#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

#include "lore/core/segments.h"

namespace lore {

// What the attention kernels share: they go over tiles of scores, some queries by some keys.

/// Queries and keys of a tile.
constexpr std::int64_t kTile = 64;

inline std::int64_t rounded_up(std::int64_t count, std::int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

/// Keys [begin, end) that a query may see.
struct Visible {
  std::int64_t begin;
  std::int64_t end;
};

/// The keys that the query at this position sees: all up to its own, or the last `window` of them.
inline Visible visible_to(std::int64_t query, std::int64_t window) {
  return {window > 0 ? std::max<std::int64_t>(0, query - window + 1) : 0, query + 1};
}

/// The part of a tile's row, in columns of the tile, that query i sees.
inline Visible columns_of(std::int64_t query, std::int64_t window, std::int64_t first_key) {
  const Visible keys = visible_to(query, window);
  return {std::clamp<std::int64_t>(keys.begin - first_key, 0, kTile),
          std::clamp<std::int64_t>(keys.end - first_key, 0, kTile)};
}

/// Calls tile(first_key, keys) for each tile of keys that the queries [first, first + count) see.
template <class Tile>
void for_each_key_tile(std::int64_t first, std::int64_t count, std::int64_t window, const Tile& tile) {
  const std::int64_t end = visible_to(first + count - 1, window).end;
  for (std::int64_t key = visible_to(first, window).begin / kTile * kTile; key < end; key += kTile) {
    tile(key, std::min(kTile, end - key));
  }
}

/// The d columns of a row times `factor` as floats in a row of `width` >= d; the rest is zero.
template <class T>
void copy_row(float* target, std::int64_t width, const T* source, std::int64_t d, float factor) {
  for (std::int64_t c = 0; c < d; ++c) {
    target[c] = static_cast<float>(source[c]) * factor;
  }
  std::fill(target + d, target + width, 0.0F);
}

template <class T>
void write_row(T* target, const float* source, std::int64_t d, float factor) {
  for (std::int64_t c = 0; c < d; ++c) {
    target[c] = static_cast<T>(source[c] * factor);
  }
}

/// x = exp(x - shift) within [begin, end) of a tile's row and 0 elsewhere; returns the sum.
float exponentials(float* x, std::int64_t begin, std::int64_t end, float shift);

/// The softmax of the rows of a tile of queries, over tiles of keys that come one after another.
/// Source: Milakov and Gimelshein, arXiv:1805.02867.
class OnlineSoftmax {
 public:
  void reset() {
    std::fill(largest_, largest_ + kTile, kNothingSeen);
    std::fill(totals_, totals_ + kTile, 0.0F);
  }
  /// Turns the scores of query i into probabilities up to a factor that is the same for the whole row, and
  /// scales `sums` (what its earlier probabilities were summed into, `width` floats) to that factor.
  void update(std::int64_t i, float* scores, const Visible& seen, float* sums, std::int64_t width);
  /// What the sums of query i are to be divided by.
  float total(std::int64_t i) const { return totals_[i]; }
  /// The logarithm of the sum of exp(score).
  float log_sum(std::int64_t i) const { return largest_[i] + std::log(totals_[i]); }

 private:
  static constexpr float kNothingSeen = -1e30F;

  float largest_[kTile], totals_[kTile];
};

/// Calls task(segment, head) for every head of every segment, longest segments first, each done once by
/// whichever thread is free.
void for_each_head(const Segments& segments, std::int64_t heads,
                   const std::function<void(std::int64_t, std::int64_t)>& task);

}  // namespace lore
