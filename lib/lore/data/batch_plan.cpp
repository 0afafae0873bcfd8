#include "lore/data/batch_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "lore/core/error.h"

namespace lore {
namespace {

/// Batches that are sorted by length together: as many as Transformers' LengthGroupedSampler takes.
constexpr std::int64_t kSortedBatches = 50;

std::vector<SourceShare> shares(std::span<const std::int64_t> lengths, const BatchOptions& options) {
  const auto count = static_cast<std::int64_t>(lengths.size());
  std::vector<SourceShare> sources = options.sources;
  if (sources.empty()) {
    sources.push_back({count, 1});
  }
  std::int64_t sum = 0;
  for (const SourceShare& source : sources) {
    sum += source.examples;
  }
  if (sum != count) {
    throw Error(ErrorKind::kInternal, "BatchPlan",
                fmt::format("sources of {} examples for {} lengths", sum, count));
  }
  return sources;
}

}  // namespace

BatchPlan::BatchPlan(std::span<const std::int64_t> lengths, const BatchOptions& options, std::int64_t epoch)
    : options_(options),
      epoch_(epoch),
      order_(shares(lengths, options), options.seed, epoch, options.shuffle),
      units_(order_.count()) {
  if (options.batch_size < 1) {
    throw Error(ErrorKind::kUsage, "training.batch_size",
                fmt::format("{} is not positive", options.batch_size));
  }
  if (options.world_size < 1 || options.rank < 0 || options.rank >= options.world_size) {
    throw Error(ErrorKind::kUsage, "rank",
                fmt::format("there is no rank {} of {}", options.rank, options.world_size));
  }
  if (options.packing) {
    pack_examples(lengths);
  } else if (options.group_by_length) {
    group_examples(lengths);
  }
}

void BatchPlan::pack_examples(std::span<const std::int64_t> lengths) {
  // Packed in the epoch's order, so that examples of one length meet others in each epoch.
  std::vector<std::int64_t> ordered(static_cast<std::size_t>(order_.count()));
  for (std::size_t place = 0; place < ordered.size(); ++place) {
    ordered[place] = lengths[static_cast<std::size_t>(order_(static_cast<std::int64_t>(place)))];
    packed_tokens_ += ordered[place];
  }
  packs_ = pack(ordered, options_.max_length);
  units_ = packs_->count();
  if (options_.shuffle) {
    pack_order_.emplace(units_, options_.seed, OrderStream::kPacks, static_cast<std::uint64_t>(epoch_));
  }
}

void BatchPlan::group_examples(std::span<const std::int64_t> lengths) {
  const auto length = [&](std::uint32_t example) { return lengths[example]; };
  std::vector<std::uint32_t> examples(static_cast<std::size_t>(units_));
  for (std::size_t place = 0; place < examples.size(); ++place) {
    examples[place] = static_cast<std::uint32_t>(order_(static_cast<std::int64_t>(place)));
  }
  // Of one length together, but not always the same ones: a random part of the epoch is sorted at a time.
  const std::int64_t batch = options_.batch_size * options_.world_size;
  const std::int64_t sorted = batch * kSortedBatches;
  for (std::int64_t begin = 0; begin < units_; begin += sorted) {
    std::stable_sort(examples.begin() + begin, examples.begin() + std::min(begin + sorted, units_),
                     [&](std::uint32_t a, std::uint32_t b) { return length(a) > length(b); });
  }
  // A batch that is not full stays the last.
  const std::int64_t full = units_ / batch;
  std::vector<std::int64_t> order(static_cast<std::size_t>(full));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  if (options_.shuffle) {
    const Permutation shuffled(full, options_.seed, OrderStream::kPacks, static_cast<std::uint64_t>(epoch_));
    std::transform(order.begin(), order.end(), order.begin(), shuffled);
  }
  if (epoch_ == 0 && full > 0) {
    // What needs the most memory comes first: if it does not fit, that shows at once.
    const auto tokens = [&](std::int64_t i) {
      const auto first = examples.begin() + i * batch;
      return std::accumulate(first, first + batch, std::int64_t{0},
                             [&](std::int64_t sum, std::uint32_t example) { return sum + length(example); });
    };
    std::iter_swap(order.begin(), std::max_element(order.begin(), order.end(),
                                                   [&](auto a, auto b) { return tokens(a) < tokens(b); }));
  }
  grouped_.reserve(examples.size());
  for (const std::int64_t i : order) {
    grouped_.insert(grouped_.end(), examples.begin() + i * batch, examples.begin() + (i + 1) * batch);
  }
  grouped_.insert(grouped_.end(), examples.begin() + full * batch, examples.end());
}

double BatchPlan::packing_efficiency() const {
  return packs_ && units_ > 0 ? static_cast<double>(packed_tokens_) /
                                    (static_cast<double>(units_) * static_cast<double>(options_.max_length))
                              : 0;
}

std::int64_t BatchPlan::count() const {
  const std::int64_t together = options_.batch_size * options_.world_size;
  return (units_ + together - 1) / together;
}

std::vector<std::int64_t> BatchPlan::batch(std::int64_t i) const {
  const std::int64_t together = options_.batch_size * options_.world_size;
  const std::int64_t first = i * together;
  const std::int64_t units = std::min(together, units_ - first);
  const std::int64_t share = units / options_.world_size;
  const std::int64_t more = units % options_.world_size;  // ranks that get one more
  const std::int64_t begin = first + options_.rank * share + std::min(options_.rank, more);
  const std::int64_t end = begin + share + (options_.rank < more ? 1 : 0);
  std::vector<std::int64_t> batch;
  for (std::int64_t unit = begin; unit < end; ++unit) {
    append_unit(unit, batch);
  }
  return batch;
}

void BatchPlan::append_unit(std::int64_t unit, std::vector<std::int64_t>& batch) const {
  if (packs_) {
    for (const std::uint32_t place : (*packs_)[pack_order_ ? (*pack_order_)(unit) : unit]) {
      batch.push_back(order_(place));
    }
  } else if (options_.group_by_length) {
    batch.push_back(grouped_[static_cast<std::size_t>(unit)]);
  } else {
    batch.push_back(order_(unit));
  }
}

}  // namespace lore
