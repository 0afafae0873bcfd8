#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lore {

/// Packs items into as few bins of `capacity` as best-fit-decreasing finds: longest item first, each into
/// the fullest bin that still takes it. Deterministic: items of equal length keep their order, equally
/// full bins are taken oldest first. Returns the item indices of each bin.
/// Throws: Error kUsage when an item is longer than `capacity` or has no length.
std::vector<std::vector<std::int64_t>> pack(std::span<const std::int64_t> lengths, std::int64_t capacity);

/// How the examples of an epoch are put together.
struct BatchOptions {
  std::int64_t batch_size = 1;  ///< examples of a micro-batch; with packing, packs
  bool packing = false;
  std::int64_t max_length = 0;  ///< tokens of a pack; read with packing only
  bool shuffle = true;
  std::uint64_t seed = 42;
};

/// Which examples make up each micro-batch of one epoch: a pure function of the lengths, the options
/// and the epoch. Every example occurs exactly once; the last batch may be smaller.
class BatchPlan {
 public:
  /// `lengths` holds the tokens of each example. Throws: Error kUsage, as `pack`.
  BatchPlan(std::span<const std::int64_t> lengths, const BatchOptions& options, std::int64_t epoch);

  std::int64_t count() const { return static_cast<std::int64_t>(batches_.size()); }
  /// The example indices of micro-batch `i`, pack after pack.
  const std::vector<std::int64_t>& batch(std::int64_t i) const {
    return batches_[static_cast<std::size_t>(i)];
  }

 private:
  std::vector<std::vector<std::int64_t>> batches_;
};

}  // namespace lore
