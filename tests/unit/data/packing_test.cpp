#include "lore/data/packing.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "lore/core/error.h"
#include "lore/core/philox.h"
#include "support/catch.h"

using lore::pack;

namespace {

std::vector<std::vector<std::int64_t>> bins_of(const std::vector<std::int64_t>& lengths,
                                               std::int64_t capacity) {
  const lore::Packs packs = pack(lengths, capacity);
  std::vector<std::vector<std::int64_t>> bins;
  for (std::int64_t i = 0; i < packs.count(); ++i) {
    bins.emplace_back(packs[i].begin(), packs[i].end());
  }
  return bins;
}

/// Best-fit-decreasing as it is written down: the number of bins that are needed.
std::size_t bins_of_the_textbook(std::vector<std::int64_t> lengths, std::int64_t capacity) {
  std::sort(lengths.rbegin(), lengths.rend());
  std::multiset<std::int64_t> rooms;
  std::size_t bins = 0;
  for (const std::int64_t length : lengths) {
    const auto best = rooms.lower_bound(length);
    std::int64_t room = capacity;
    if (best == rooms.end()) {
      ++bins;
    } else {
      room = *best;
      rooms.erase(best);
    }
    rooms.insert(room - length);
  }
  return bins;
}

}  // namespace

TEST_CASE("the longest item comes first, into the fullest bin that takes it") {
  CHECK(bins_of({2, 7, 5, 3, 8}, 10) == std::vector<std::vector<std::int64_t>>{{4, 0}, {1, 3}, {2}});
  CHECK(bins_of({4, 4, 4}, 8) == std::vector<std::vector<std::int64_t>>{{0, 1}, {2}});
  CHECK(bins_of({8, 1}, 8) == std::vector<std::vector<std::int64_t>>{{0}, {1}});
  CHECK(bins_of({}, 8).empty());
  CHECK(bins_of({1}, 1).size() == 1);
}

TEST_CASE("packs hold every item once, never too much, and no more bins than best fit needs") {
  for (const std::int64_t capacity : {1, 2, 63, 64, 65, 1024, 4097}) {
    CAPTURE(capacity);
    lore::PhiloxStream random(1, static_cast<std::uint64_t>(capacity));
    std::vector<std::int64_t> lengths;
    for (int i = 0; i < 3000; ++i) {
      lengths.push_back(1 + random.below(static_cast<std::uint32_t>(capacity)) / (1 + random.below(4)));
    }
    const lore::Packs packs = pack(lengths, capacity);
    CHECK(static_cast<std::size_t>(packs.count()) == bins_of_the_textbook(lengths, capacity));
    for (std::int64_t bin = 0; bin < packs.count(); ++bin) {
      std::int64_t sum = 0;
      for (const std::uint32_t item : packs[bin]) {
        sum += lengths[item];
      }
      REQUIRE(sum <= capacity);
    }
    auto items = packs.items;
    std::sort(items.begin(), items.end());
    std::vector<std::uint32_t> all(lengths.size());
    std::iota(all.begin(), all.end(), 0U);
    CHECK(items == all);
  }
}

TEST_CASE("an item that fits no pack is refused") {
  CHECK_THROWS_AS(pack(std::vector<std::int64_t>{9}, 8), lore::Error);
  CHECK_THROWS_AS(pack(std::vector<std::int64_t>{0}, 8), lore::Error);
  CHECK_THROWS_AS(pack(std::vector<std::int64_t>{1}, 0), lore::Error);
}
