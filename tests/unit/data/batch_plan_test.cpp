#include "lore/data/batch_plan.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "lore/core/error.h"
#include "lore/core/philox.h"
#include "support/catch.h"

using lore::BatchOptions;
using lore::BatchPlan;

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
    const auto batch = plan.batch(i);
    all.insert(all.end(), batch.begin(), batch.end());
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

std::int64_t tokens(const std::vector<std::int64_t>& lengths, const std::vector<std::int64_t>& batch) {
  std::int64_t sum = 0;
  for (const std::int64_t example : batch) {
    sum += lengths[static_cast<std::size_t>(example)];
  }
  return sum;
}

}  // namespace

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
  CHECK(plan.packing_efficiency() == 0);
}

TEST_CASE("with packing a batch holds batch_size packs, mixed anew in each epoch") {
  const auto lengths = random_lengths(200, 20);
  const BatchOptions options{.batch_size = 2, .packing = true, .max_length = 64};
  const BatchPlan plan(lengths, options, 0);
  const BatchPlan next(lengths, options, 1);
  std::set<std::set<std::int64_t>> first;
  std::set<std::set<std::int64_t>> second;
  for (std::int64_t i = 0; i < plan.count(); ++i) {
    const auto batch = plan.batch(i);
    CHECK(tokens(lengths, batch) <= 128);
    first.emplace(batch.begin(), batch.end());
  }
  for (std::int64_t i = 0; i < next.count(); ++i) {
    const auto batch = next.batch(i);
    second.emplace(batch.begin(), batch.end());
  }
  CHECK(is_permutation_of(all_of(plan), 200));
  CHECK(all_of(plan) == all_of(BatchPlan(lengths, options, 0)));
  CHECK(first != second);
  const auto sum = std::accumulate(lengths.begin(), lengths.end(), 0.0);
  CHECK(plan.packing_efficiency() == Approx(sum / (64.0 * static_cast<double>(plan.units()))));
  CHECK(plan.packing_efficiency() > 0.95);
}

TEST_CASE("all ranks together see every example once, in as many batches each") {
  for (const bool packing : {false, true}) {
    for (const std::size_t count : {1, 5, 8, 24, 25, 31, 97}) {
      const auto lengths = random_lengths(count, 20);
      for (const std::int64_t world : {1, 2, 3, 8}) {
        CAPTURE(packing, count, world);
        BatchOptions options{.batch_size = 3, .packing = packing, .max_length = 32};
        options.batch_size *= world;
        const BatchPlan one(lengths, options, 1);
        options.batch_size = 3;
        options.world_size = world;
        std::vector<std::vector<std::int64_t>> together(static_cast<std::size_t>(one.count()));
        for (options.rank = 0; options.rank < world; ++options.rank) {
          const BatchPlan plan(lengths, options, 1);
          REQUIRE(plan.count() == one.count());
          for (std::int64_t i = 0; i < plan.count(); ++i) {
            const auto batch = plan.batch(i);
            auto& all = together[static_cast<std::size_t>(i)];
            all.insert(all.end(), batch.begin(), batch.end());
            // What is left over is dealt out evenly.
            CHECK((packing || batch.size() <= 3));
          }
        }
        for (std::int64_t i = 0; i < one.count(); ++i) {
          CHECK(together[static_cast<std::size_t>(i)] == one.batch(i));
        }
        CHECK(is_permutation_of(all_of(one), count));
      }
    }
  }
  CHECK_THROWS_AS(BatchPlan(std::vector<std::int64_t>{1}, {.rank = 2, .world_size = 2}, 0), lore::Error);
}

TEST_CASE("grouped by length a batch holds examples about as long, the largest batch first") {
  const auto lengths = random_lengths(5003, 1000);
  BatchOptions options{.batch_size = 8, .group_by_length = true};
  const auto padding = [&](const BatchPlan& plan) {
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < plan.count(); ++i) {
      const auto batch = plan.batch(i);
      std::int64_t longest = 0;
      for (const std::int64_t example : batch) {
        longest = std::max(longest, lengths[static_cast<std::size_t>(example)]);
      }
      sum += longest * static_cast<std::int64_t>(batch.size()) - tokens(lengths, batch);
    }
    return sum;
  };
  const BatchPlan grouped(lengths, options, 0);
  CHECK(is_permutation_of(all_of(grouped), 5003));
  CHECK(padding(grouped) * 20 < padding(BatchPlan(lengths, {.batch_size = 8}, 0)));
  for (std::int64_t i = 1; i < grouped.count(); ++i) {
    CHECK(tokens(lengths, grouped.batch(i)) <= tokens(lengths, grouped.batch(0)));
  }
  CHECK(all_of(grouped) == all_of(BatchPlan(lengths, options, 0)));
  CHECK(all_of(grouped) != all_of(BatchPlan(lengths, options, 1)));
  CHECK(is_permutation_of(all_of(BatchPlan(lengths, options, 1)), 5003));
  options.shuffle = false;
  CHECK(is_permutation_of(all_of(BatchPlan(lengths, options, 0)), 5003));
}

TEST_CASE("an epoch sees as much of each source as its weight says") {
  const auto lengths = random_lengths(30, 20);
  BatchOptions options{.batch_size = 4, .packing = true, .max_length = 32};
  options.sources = {{20, 0.5}, {10, 3}};
  const BatchPlan plan(lengths, options, 0);
  CHECK(plan.examples() == 40);
  const auto all = all_of(plan);
  CHECK(all.size() == 40);
  CHECK(std::count_if(all.begin(), all.end(), [](auto item) { return item < 20; }) == 10);
  options.sources = {{20, 1}};
  CHECK_THROWS_AS(BatchPlan(lengths, options, 0), lore::Error);
}

TEST_CASE("a batch of nothing is refused") {
  CHECK_THROWS_AS(BatchPlan(std::vector<std::int64_t>{1}, {.batch_size = 0}, 0), lore::Error);
}
