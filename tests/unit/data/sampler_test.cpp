#include "lore/data/sampler.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "lore/core/error.h"
#include "support/catch.h"

using lore::EpochOrder;
using lore::OrderStream;
using lore::Permutation;
using lore::SourceShare;

namespace {

std::vector<std::int64_t> permuted(std::int64_t count, std::uint64_t seed, OrderStream stream,
                                   std::uint64_t number) {
  const Permutation order(count, seed, stream, number);
  std::vector<std::int64_t> items;
  for (std::int64_t i = 0; i < count; ++i) {
    items.push_back(order(i));
  }
  return items;
}

std::vector<std::int64_t> epoch(const std::vector<SourceShare>& sources, std::uint64_t seed,
                                std::int64_t number, bool shuffle) {
  const EpochOrder order(sources, seed, number, shuffle);
  std::vector<std::int64_t> items;
  for (std::int64_t i = 0; i < order.count(); ++i) {
    items.push_back(order(i));
  }
  return items;
}

std::vector<std::int64_t> ascending(std::int64_t count) {
  std::vector<std::int64_t> items(static_cast<std::size_t>(count));
  std::iota(items.begin(), items.end(), std::int64_t{0});
  return items;
}

}  // namespace

TEST_CASE("a permutation holds every item once, for any count") {
  for (const std::int64_t count : {0, 1, 2, 3, 7, 255, 256, 257, 1000, 65537}) {
    CAPTURE(count);
    auto items = permuted(count, 42, OrderStream::kEpoch, 0);
    std::sort(items.begin(), items.end());
    CHECK(items == ascending(count));
  }
}

TEST_CASE("an order depends on seed, stream and number alone") {
  const auto order = permuted(1000, 42, OrderStream::kEpoch, 0);
  CHECK(order == permuted(1000, 42, OrderStream::kEpoch, 0));
  CHECK(order != permuted(1000, 42, OrderStream::kEpoch, 1));
  CHECK(order != permuted(1000, 43, OrderStream::kEpoch, 0));
  CHECK(order != permuted(1000, 42, OrderStream::kPacks, 0));
  CHECK(order != permuted(1000, 42, OrderStream::kSplit, 0));
  CHECK_THROWS_AS(Permutation(std::int64_t{1} << 32, 42, OrderStream::kEpoch, 0), lore::Error);
}

TEST_CASE("every order is about equally likely, and every item in every place") {
  std::map<std::vector<std::int64_t>, int> orders;
  for (std::uint64_t number = 0; number < 12000; ++number) {
    ++orders[permuted(4, 7, OrderStream::kEpoch, number)];
  }
  CHECK(orders.size() == 24);
  for (const auto& [order, count] : orders) {
    CHECK(count > 400);
    CHECK(count < 600);
  }
  // 1000 items in 1000 places, looked at in tenths: 40 draws of 100 expected in each cell.
  std::vector<int> cells(100, 0);
  for (std::uint64_t number = 0; number < 40; ++number) {
    const auto order = permuted(1000, 11, OrderStream::kEpoch, number);
    for (std::size_t place = 0; place < order.size(); ++place) {
      ++cells[place / 100 * 10 + static_cast<std::size_t>(order[place]) / 100];
    }
  }
  CHECK(*std::min_element(cells.begin(), cells.end()) > 320);
  CHECK(*std::max_element(cells.begin(), cells.end()) < 480);
}

TEST_CASE("the order never changes from one version to the next") {
  CHECK(epoch({{8, 1}}, 42, 0, true) == std::vector<std::int64_t>{7, 2, 1, 4, 0, 3, 5, 6});
  CHECK(epoch({{8, 1}}, 42, 1, true) == std::vector<std::int64_t>{4, 0, 7, 6, 2, 5, 3, 1});
}

TEST_CASE("with weight 1 an epoch sees every example once, in file order where it is not shuffled") {
  auto items = epoch({{10, 1}, {5, 1}}, 42, 3, true);
  CHECK(items != ascending(15));
  std::sort(items.begin(), items.end());
  CHECK(items == ascending(15));
  CHECK(epoch({{10, 1}, {5, 1}}, 42, 3, false) == ascending(15));
  CHECK(epoch({}, 42, 0, true).empty());
}

TEST_CASE("a weight below 1 shows other examples each epoch until all were seen") {
  for (const bool shuffle : {true, false}) {
    std::set<std::int64_t> seen;
    std::int64_t shown = 0;
    for (std::int64_t number = 0; number < 10; ++number) {
      const auto items = epoch({{20, 1}, {105, 0.1}}, 42, number, shuffle);
      CHECK(std::count_if(items.begin(), items.end(), [](auto item) { return item < 20; }) == 20);
      for (const std::int64_t item : items) {
        if (item >= 20) {
          ++shown;
          seen.insert(item);
        }
      }
    }
    CHECK(shown == 105);
    CHECK(seen.size() == 105);
  }
}

TEST_CASE("a weight above 1 shows whole passes and a part that differs") {
  std::map<std::int64_t, int> over_two_epochs;
  for (const std::int64_t number : {0, 1}) {
    std::map<std::int64_t, int> times;
    const auto items = epoch({{10, 2.5}}, 1, number, true);
    CHECK(items.size() == 25);
    for (const std::int64_t item : items) {
      ++times[item];
      ++over_two_epochs[item];
    }
    CHECK(times.size() == 10);
    for (const auto& [item, count] : times) {
      CHECK((count == 2 || count == 3));
    }
  }
  for (const auto& [item, count] : over_two_epochs) {
    CHECK(count == 5);
  }
}
