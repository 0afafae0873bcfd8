#include "lore/kernels/score_tiles.h"

#include <atomic>
#include <numeric>
#include <vector>

#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"

namespace lore {
namespace {

LORE_SIMD float largest_of(const float* x, std::int64_t begin, std::int64_t end, float largest) {
  for (std::int64_t j = begin; j < end; ++j) {
    largest = x[j] > largest ? x[j] : largest;
  }
  return largest;
}

LORE_SIMD void scale_row(float* x, std::int64_t count, float factor) {
  for (std::int64_t j = 0; j < count; ++j) {
    x[j] *= factor;
  }
}

}  // namespace

LORE_SIMD float exponentials(float* x, std::int64_t begin, std::int64_t end, float shift) {
  float lanes[simd::kLanes] = {};
  std::fill(x, x + begin, 0.0F);
  std::int64_t j = begin;
  for (; j + simd::kLanes <= end; j += simd::kLanes) {
    for (std::int64_t lane = 0; lane < simd::kLanes; ++lane) {
      x[j + lane] = simd::exp(x[j + lane] - shift);
      lanes[lane] += x[j + lane];
    }
  }
  float total = simd::sum_of(lanes);
  for (; j < end; ++j) {
    x[j] = simd::exp(x[j] - shift);
    total += x[j];
  }
  std::fill(x + end, x + kTile, 0.0F);
  return total;
}

void OnlineSoftmax::update(std::int64_t i, float* scores, const Visible& seen, float* sums,
                           std::int64_t width) {
  if (seen.begin >= seen.end) {
    std::fill(scores, scores + kTile, 0.0F);
    return;
  }
  const float largest = largest_of(scores, seen.begin, seen.end, largest_[i]);
  if (largest > largest_[i] && largest_[i] > kNothingSeen) {
    const float factor = std::exp(largest_[i] - largest);
    totals_[i] *= factor;
    scale_row(sums, width, factor);
  }
  largest_[i] = largest;
  totals_[i] += exponentials(scores, seen.begin, seen.end, largest);
}

void for_each_head(const Segments& segments, std::int64_t heads,
                   const std::function<void(std::int64_t, std::int64_t)>& task) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(segments.count()));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return segments.length(a) > segments.length(b); });
  const std::int64_t count = segments.count() * heads;
  std::atomic<std::int64_t> next{0};
  parallel_for(0, std::min<std::int64_t>(threads(), count), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t worker = begin; worker < end; ++worker) {
      for (std::int64_t i = next++; i < count; i = next++) {
        task(order[static_cast<std::size_t>(i / heads)], i % heads);
      }
    }
  });
}

}  // namespace lore
