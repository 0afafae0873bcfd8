#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lore {

struct PieceToken;

/// The pairs of tokens that may merge: (left, right) to (rank, merged token).
class MergeTable {
 public:
  struct Merge {
    std::uint32_t rank;
    std::int32_t result;
  };

  void reserve(std::size_t merges);
  /// A pair inserted twice keeps the last.
  void insert(std::int32_t left, std::int32_t right, Merge merge);
  /// Null when the pair does not merge.
  const Merge* find(std::int32_t left, std::int32_t right) const;
  std::size_t size() const { return count_; }

  /// Merges the neighbours in `word` for as long as there is a pair to merge: lowest rank first, and the
  /// leftmost of equal ranks.
  void apply(std::vector<PieceToken>& word) const;

 private:
  struct Slot {
    std::uint64_t pair;
    Merge merge;
  };
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};

  static std::uint64_t key(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }
  std::size_t slot_of(std::uint64_t pair) const;
  void resize(std::size_t slots);
  void apply_short(std::vector<PieceToken>& word) const;
  void apply_long(std::vector<PieceToken>& word) const;

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace lore
