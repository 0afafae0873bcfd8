#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lore {

/// Uses of one seed that must not give the same order.
enum class OrderStream : std::uint64_t {
  kEpoch = 0x4F52,
  kPacks = 0x5041,
  kSplit = 0x5350,
  kSource = 0x5352
};

/// An order of 0 .. count-1 in which any place can be looked up without the others: a Feistel network whose
/// round function is Philox, over the next power of two, walked until it is inside (Black and Rogaway,
/// "Ciphers with arbitrary finite domains", CT-RSA 2002). A pure function of its arguments.
class Permutation {
 public:
  /// `number` tells the orders of one stream apart: the epoch. Throws: Error kUsage past 2^32 - 1 items.
  Permutation(std::int64_t count, std::uint64_t seed, OrderStream stream, std::uint64_t number);

  std::int64_t count() const { return static_cast<std::int64_t>(count_); }
  /// The item at `place`. REQUIRES 0 <= place < count.
  std::int64_t operator()(std::int64_t place) const;

 private:
  std::uint64_t encrypt(std::uint64_t value) const;

  std::uint64_t count_;
  std::uint64_t seed_;
  std::uint64_t stream_;
  unsigned low_bits_;
  unsigned high_bits_;
};

/// Examples of one source, and how often an epoch sees each.
struct SourceShare {
  std::int64_t examples = 0;
  double weight = 1;
};

/// Which examples an epoch sees, in which order: `weight` times the examples of each source.
///
/// Each source is an endless sequence of whole passes over its examples, each pass in an order of its own;
/// epoch e takes the next `weight` passes of it. So no example comes a second time before all came once,
/// and the epochs of a source with weight 0.1 show ten different tenths. Constant time for each place.
class EpochOrder {
 public:
  /// The examples of source s follow those of source s-1. Throws: Error kUsage past 2^32 - 1 examples.
  EpochOrder(std::span<const SourceShare> sources, std::uint64_t seed, std::int64_t epoch, bool shuffle);

  /// Places in the epoch.
  std::int64_t count() const { return order_.count(); }
  /// The example at `place`. REQUIRES 0 <= place < count.
  std::int64_t operator()(std::int64_t place) const;

 private:
  struct Part {
    std::int64_t first_place;    ///< of the epoch, before it is shuffled
    std::int64_t first_example;  ///< of the data set
    std::int64_t examples;
    std::int64_t position;  ///< in the endless sequence of the source
    std::uint64_t source;
  };

  std::vector<Part> parts_;
  Permutation order_;
  std::uint64_t seed_;
  bool shuffle_;
};

}  // namespace lore
