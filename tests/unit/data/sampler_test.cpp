#include "lore/data/sampler.h"

#include <algorithm>
#include <numeric>

#include "support/catch.h"

using lore::epoch_order;

TEST_CASE("an epoch's order is a permutation that depends on seed and epoch alone") {
  const auto order = epoch_order(1000, 42, 0, true);
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::int64_t> ascending(1000);
  std::iota(ascending.begin(), ascending.end(), 0);
  CHECK(sorted == ascending);
  CHECK(order == epoch_order(1000, 42, 0, true));
  CHECK(order != epoch_order(1000, 42, 1, true));
  CHECK(order != epoch_order(1000, 43, 0, true));
  CHECK(order != lore::pack_order(1000, 42, 0, true));
  CHECK(order != lore::split_order(1000, 42));
  CHECK(epoch_order(1000, 42, 0, false) == ascending);
  CHECK(epoch_order(0, 42, 0, true).empty());
}

TEST_CASE("the order never changes from one version to the next") {
  CHECK(epoch_order(8, 42, 0, true) == std::vector<std::int64_t>{5, 0, 7, 1, 3, 2, 4, 6});
  CHECK(epoch_order(8, 42, 1, true) == std::vector<std::int64_t>{4, 5, 2, 7, 0, 1, 6, 3});
}

TEST_CASE("every order is about equally likely") {
  std::vector<int> counts(6, 0);
  for (std::int64_t epoch = 0; epoch < 6000; ++epoch) {
    const auto order = epoch_order(3, 7, epoch, true);
    ++counts[static_cast<std::size_t>(order[0] * 2 + (order[1] > order[2] ? 1 : 0))];
  }
  CHECK(*std::min_element(counts.begin(), counts.end()) > 850);
  CHECK(*std::max_element(counts.begin(), counts.end()) < 1150);
}
