#include "lore/data/packing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "lore/core/error.h"

namespace lore {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// Which amounts of room are left in some bin: a bit each, and in each level above a bit for a word below.
class RoomSet {
 public:
  explicit RoomSet(std::size_t rooms) {
    do {
      rooms = rooms / 64 + 1;
      levels_.emplace_back(rooms, 0);
    } while (rooms > 1);
  }

  void insert(std::size_t room) {
    for (auto& level : levels_) {
      level[room / 64] |= std::uint64_t{1} << room % 64;
      room /= 64;
    }
  }

  void erase(std::size_t room) {
    for (auto& level : levels_) {
      level[room / 64] &= ~(std::uint64_t{1} << room % 64);
      if (level[room / 64] != 0) {
        return;
      }
      room /= 64;
    }
  }

  /// The smallest room of at least `room`, or kNone.
  std::uint32_t at_least(std::size_t room) const {
    for (std::size_t height = 0; height < levels_.size(); ++height) {
      const std::size_t word = room / 64;
      const std::uint64_t rest =
          word < levels_[height].size() ? levels_[height][word] >> room % 64 << room % 64 : 0;
      if (rest != 0) {
        return descend(height, word * 64 + static_cast<std::size_t>(__builtin_ctzll(rest)));
      }
      room = word + 1;
    }
    return kNone;
  }

 private:
  std::uint32_t descend(std::size_t height, std::size_t bit) const {
    while (height-- > 0) {
      bit = bit * 64 + static_cast<std::size_t>(__builtin_ctzll(levels_[height][bit]));
    }
    return static_cast<std::uint32_t>(bit);
  }

  std::vector<std::vector<std::uint64_t>> levels_;
};

/// The items, longest first, those of one length in their order.
std::vector<std::uint32_t> longest_first(std::span<const std::int64_t> lengths, std::int64_t capacity) {
  std::vector<std::uint32_t> begin(static_cast<std::size_t>(capacity) + 2, 0);
  for (std::size_t item = 0; item < lengths.size(); ++item) {
    if (lengths[item] < 1 || lengths[item] > capacity) {
      throw Error(ErrorKind::kUsage, "data.packing",
                  fmt::format("example {} has {} tokens and a pack takes {}", item, lengths[item], capacity));
    }
    ++begin[static_cast<std::size_t>(capacity - lengths[item]) + 1];
  }
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<std::uint32_t> order(lengths.size());
  for (std::size_t item = 0; item < lengths.size(); ++item) {
    order[begin[static_cast<std::size_t>(capacity - lengths[item])]++] = static_cast<std::uint32_t>(item);
  }
  return order;
}

}  // namespace

std::span<const std::uint32_t> Packs::operator[](std::int64_t bin) const {
  const auto i = static_cast<std::size_t>(bin);
  const std::size_t begin = i == 0 ? 0 : ends[i - 1];
  return std::span(items).subspan(begin, ends[i] - begin);
}

Packs pack(std::span<const std::int64_t> lengths, std::int64_t capacity) {
  if (lengths.size() >= kNone) {
    throw Error(ErrorKind::kUsage, "data.packing", "takes at most 2^32 - 2 examples");
  }
  if (capacity < 1) {
    throw Error(ErrorKind::kUsage, "data.packing", fmt::format("a pack cannot take {} tokens", capacity));
  }
  const std::vector<std::uint32_t> order = longest_first(lengths, capacity);
  // Bins with the same room left form a stack: its top by room, the next below by bin.
  RoomSet rooms(static_cast<std::size_t>(capacity));
  std::vector<std::uint32_t> top(static_cast<std::size_t>(capacity), kNone);
  std::vector<std::uint32_t> below;
  std::vector<std::uint32_t> bin_of(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto length = static_cast<std::size_t>(lengths[order[i]]);
    const std::uint32_t best = rooms.at_least(length);
    std::size_t room = static_cast<std::size_t>(capacity);
    auto bin = static_cast<std::uint32_t>(below.size());
    if (best == kNone) {
      below.push_back(kNone);
    } else {
      room = best;
      bin = top[room];
      top[room] = below[bin];
      if (top[room] == kNone) {
        rooms.erase(room);
      }
    }
    bin_of[i] = bin;
    room -= length;
    if (room > 0) {
      below[bin] = top[room];
      top[room] = bin;
      rooms.insert(room);
    }
  }
  Packs packs;
  packs.ends.assign(below.size(), 0);
  for (const std::uint32_t bin : bin_of) {
    ++packs.ends[bin];
  }
  std::partial_sum(packs.ends.begin(), packs.ends.end(), packs.ends.begin());
  packs.items.resize(order.size());
  std::vector<std::uint32_t> next(packs.ends);
  for (std::size_t i = order.size(); i-- > 0;) {
    packs.items[--next[bin_of[i]]] = order[i];
  }
  return packs;
}

}  // namespace lore
