#include "lore/data/packing.h"

#include <algorithm>
#include <set>

#include "lore/core/error.h"
#include "lore/core/philox.h"
#include "support/catch.h"

using lore::BatchOptions;
using lore::BatchPlan;
using lore::pack;

namespace {

std::vector<std::int64_t> random_lengths(std::size_t count, std::uint32_t longest) {
  lore::PhiloxStream random(1, 2);
  std::vector<std::int64_t> lengths;
  for (std::size_t i = 0; i < count; ++i) {
    lengths.push_back(1 + random.below(longest));
  }
  return lengths;
}

std::vector<std::int64_t> all_of(const BatchPlan& plan) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < plan.count(); ++i) {
    all.insert(all.end(), plan.batch(i).begin(), plan.batch(i).end());
  }
  return all;
}

bool is_permutation_of(std::vector<std::int64_t> items, std::size_t count) {
  std::sort(items.begin(), items.end());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i] != static_cast<std::int64_t>(i)) {
      return false;
    }
  }
  return items.size() == count;
}

}  // namespace

TEST_CASE("the longest item comes first, into the fullest bin that takes it") {
  const std::vector<std::int64_t> lengths = {2, 7, 5, 3, 8};
  CHECK(pack(lengths, 10) == std::vector<std::vector<std::int64_t>>{{4, 0}, {1, 3}, {2}});
  CHECK(pack(std::vector<std::int64_t>{4, 4, 4}, 8) == std::vector<std::vector<std::int64_t>>{{0, 1}, {2}});
  CHECK(pack(std::vector<std::int64_t>{}, 8).empty());
}

TEST_CASE("packs hold every item once, never too much, and little room is lost") {
  const auto lengths = random_lengths(3000, 500);
  const auto bins = pack(lengths, 1024);
  std::vector<std::int64_t> all;
  std::int64_t total = 0;
  for (const auto& bin : bins) {
    std::int64_t sum = 0;
    for (const std::int64_t item : bin) {
      sum += lengths[static_cast<std::size_t>(item)];
    }
    CHECK(sum <= 1024);
    total += sum;
    all.insert(all.end(), bin.begin(), bin.end());
  }
  CHECK(is_permutation_of(all, 3000));
  CHECK(static_cast<double>(total) / static_cast<double>(bins.size() * 1024) > 0.99);
}

TEST_CASE("an item that fits no pack is refused") {
  CHECK_THROWS_AS(pack(std::vector<std::int64_t>{9}, 8), lore::Error);
  CHECK_THROWS_AS(pack(std::vector<std::int64_t>{0}, 8), lore::Error);
}

TEST_CASE("without packing a batch holds batch_size examples, the last one what is left") {
  const auto lengths = random_lengths(10, 9);
  const BatchPlan plan(lengths, {.batch_size = 4}, 0);
  REQUIRE(plan.count() == 3);
  CHECK(plan.batch(0).size() == 4);
  CHECK(plan.batch(2).size() == 2);
  CHECK(is_permutation_of(all_of(plan), 10));
  CHECK(all_of(BatchPlan(lengths, {.batch_size = 4}, 0)) == all_of(plan));
  CHECK(all_of(BatchPlan(lengths, {.batch_size = 4}, 1)) != all_of(plan));
  CHECK(all_of(BatchPlan(lengths, {.batch_size = 4, .shuffle = false}, 1)) ==
        std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("with packing a batch holds batch_size packs, mixed anew in each epoch") {
  const auto lengths = random_lengths(200, 20);
  const BatchOptions options{.batch_size = 2, .packing = true, .max_length = 64};
  const BatchPlan plan(lengths, options, 0);
  for (std::int64_t i = 0; i < plan.count(); ++i) {
    std::int64_t sum = 0;
    for (const std::int64_t example : plan.batch(i)) {
      sum += lengths[static_cast<std::size_t>(example)];
    }
    CHECK(sum <= 128);
  }
  CHECK(is_permutation_of(all_of(plan), 200));
  CHECK(all_of(plan) == all_of(BatchPlan(lengths, options, 0)));
  std::set<std::set<std::int64_t>> first;
  std::set<std::set<std::int64_t>> second;
  const BatchPlan next(lengths, options, 1);
  for (std::int64_t i = 0; i < plan.count(); ++i) {
    first.emplace(plan.batch(i).begin(), plan.batch(i).end());
  }
  for (std::int64_t i = 0; i < next.count(); ++i) {
    second.emplace(next.batch(i).begin(), next.batch(i).end());
  }
  CHECK(first != second);
}

TEST_CASE("a batch of nothing is refused") {
  CHECK_THROWS_AS(BatchPlan(std::vector<std::int64_t>{1}, {.batch_size = 0}, 0), lore::Error);
}
