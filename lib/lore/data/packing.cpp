#include "lore/data/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "lore/core/error.h"
#include "lore/data/sampler.h"

namespace lore {

std::vector<std::vector<std::int64_t>> pack(std::span<const std::int64_t> lengths, std::int64_t capacity) {
  std::vector<std::int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto length = [&](std::int64_t item) { return lengths[static_cast<std::size_t>(item)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return length(a) > length(b); });

  std::vector<std::vector<std::int64_t>> bins;
  std::set<std::pair<std::int64_t, std::size_t>> free;  // (room left, bin)
  for (const std::int64_t item : order) {
    if (length(item) < 1 || length(item) > capacity) {
      throw Error(ErrorKind::kUsage, "data.packing",
                  fmt::format("example {} has {} tokens and a pack takes {}", item, length(item), capacity));
    }
    const auto best = free.lower_bound({length(item), 0});
    std::int64_t room = capacity;
    std::size_t bin = bins.size();
    if (best == free.end()) {
      bins.emplace_back();
    } else {
      std::tie(room, bin) = *best;
      free.erase(best);
    }
    bins[bin].push_back(item);
    if (room > length(item)) {
      free.emplace(room - length(item), bin);
    }
  }
  return bins;
}

BatchPlan::BatchPlan(std::span<const std::int64_t> lengths, const BatchOptions& options, std::int64_t epoch) {
  if (options.batch_size < 1) {
    throw Error(ErrorKind::kUsage, "training.batch_size",
                fmt::format("{} is not positive", options.batch_size));
  }
  const auto count = static_cast<std::int64_t>(lengths.size());
  const std::vector<std::int64_t> order = epoch_order(count, options.seed, epoch, options.shuffle);
  std::vector<std::vector<std::int64_t>> units;
  if (options.packing) {
    // Packed in the epoch's order, so that examples of one length meet others in each epoch.
    std::vector<std::int64_t> ordered;
    for (const std::int64_t example : order) {
      ordered.push_back(lengths[static_cast<std::size_t>(example)]);
    }
    const auto packs = pack(ordered, options.max_length);
    for (const std::int64_t i :
         pack_order(static_cast<std::int64_t>(packs.size()), options.seed, epoch, options.shuffle)) {
      std::vector<std::int64_t>& unit = units.emplace_back();
      for (const std::int64_t item : packs[static_cast<std::size_t>(i)]) {
        unit.push_back(order[static_cast<std::size_t>(item)]);
      }
    }
  } else {
    for (const std::int64_t example : order) {
      units.push_back({example});
    }
  }
  const auto size = static_cast<std::size_t>(options.batch_size);
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (i % size == 0) {
      batches_.emplace_back();
    }
    batches_.back().insert(batches_.back().end(), units[i].begin(), units[i].end());
  }
}

}  // namespace lore
