#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lore {

/// Items in bins, one bin after another.
struct Packs {
  std::vector<std::uint32_t> items;
  std::vector<std::uint32_t> ends;  ///< where in `items` each bin ends

  std::int64_t count() const { return static_cast<std::int64_t>(ends.size()); }
  std::span<const std::uint32_t> operator[](std::int64_t bin) const;
};

/// Packs items into as few bins of `capacity` as best-fit-decreasing finds: longest item first, each into
/// the fullest bin that still takes it. Deterministic: items of equal length keep their order, of equally
/// full bins the one that became so last is taken. Takes O(items + capacity) space.
/// Throws: Error kUsage when an item is longer than `capacity` or has no length.
Packs pack(std::span<const std::int64_t> lengths, std::int64_t capacity);

}  // namespace lore
