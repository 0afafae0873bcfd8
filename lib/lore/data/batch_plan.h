#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lore/data/packing.h"
#include "lore/data/sampler.h"

namespace lore {

/// How the examples of an epoch are put together.
struct BatchOptions {
  std::int64_t batch_size = 1;  ///< examples of a micro-batch; with packing, packs
  bool packing = false;
  std::int64_t max_length = 0;   ///< tokens of a pack; read with packing only
  bool group_by_length = false;  ///< batches of examples about as long; not with packing
  bool shuffle = true;
  std::uint64_t seed = 42;
  /// The sources that the examples come from; all one of weight 1 where empty.
  std::vector<SourceShare> sources = {};
  std::int64_t rank = 0;
  std::int64_t world_size = 1;
};

/// Which examples make up each micro-batch of one epoch, for one of `world_size` ranks that train together: a
/// pure function of the lengths, the options and the epoch, so that a run goes on at any batch without going
/// through those before it.
///
/// Batch i of all ranks together is batch i of one rank with world_size times the batch_size. Every place of
/// the epoch is in one batch of one rank, and every rank has as many batches. What is left for the last batch
/// is dealt out evenly; where that is less than one for each rank, some ranks get an empty batch.
class BatchPlan {
 public:
  /// `lengths` holds the tokens of each example. Throws: Error kUsage, as `pack`.
  BatchPlan(std::span<const std::int64_t> lengths, const BatchOptions& options, std::int64_t epoch);

  /// Micro-batches of each rank.
  std::int64_t count() const;
  /// The example indices of micro-batch `i`, pack after pack. REQUIRES 0 <= i < count.
  std::vector<std::int64_t> batch(std::int64_t i) const;
  /// Examples that the epoch sees, on all ranks; of a weight above 1 several times.
  std::int64_t examples() const { return order_.count(); }
  /// Packs of the epoch, on all ranks; without packing the examples.
  std::int64_t units() const { return units_; }
  /// Tokens over the room of all packs; 0 without packing.
  double packing_efficiency() const;

 private:
  void pack_examples(std::span<const std::int64_t> lengths);
  void group_examples(std::span<const std::int64_t> lengths);
  void append_unit(std::int64_t unit, std::vector<std::int64_t>& batch) const;

  BatchOptions options_;
  std::int64_t epoch_;
  EpochOrder order_;
  std::int64_t units_;
  std::int64_t packed_tokens_ = 0;
  std::optional<Packs> packs_;             ///< of places of the epoch
  std::optional<Permutation> pack_order_;  ///< where packs are shuffled
  std::vector<std::uint32_t> grouped_;     ///< examples, with group_by_length
};

}  // namespace lore
