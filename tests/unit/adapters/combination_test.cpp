#include "lore/adapters/combination.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>

#include <cmath>

#include "lore/adapters/low_rank_products.h"
#include "support/catch.h"

namespace {

lore::WeightedLowRank part(std::size_t adapter, double weight, double scale, const at::Tensor& a,
                           const at::Tensor& b) {
  lore::WeightedLowRank result{adapter, weight, {}};
  result.low_rank.a = a;
  result.low_rank.b = b;
  result.low_rank.scale = scale;
  return result;
}

/// Two adapters of rank 1 on a module [2, 3].
std::vector<lore::WeightedLowRank> two() {
  return {
      part(0, 0.5, 2, at::tensor({1.0F, -2.0F, 3.0F}).view({1, 3}), at::tensor({1.0F, 4.0F}).view({2, 1})),
      part(1, -1, 4, at::tensor({-5.0F, 1.0F, 2.0F}).view({1, 3}), at::tensor({2.0F, -1.0F}).view({2, 1}))};
}

at::Tensor exact_sum(const std::vector<lore::WeightedLowRank>& parts) {
  at::Tensor sum = lore::dense_update(parts.front().low_rank).mul(parts.front().weight);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    sum = sum.add(lore::dense_update(parts[i].low_rank).mul(parts[i].weight));
  }
  return sum;
}

lore::LowRank combined(lore::CombinationMethod method, std::int64_t rank, double density = 1) {
  lore::Combination combination;
  combination.method = method;
  combination.density = density;
  return lore::combine(two(), combination, rank, 0);
}

bool close(const at::Tensor& first, const at::Tensor& second) {
  return first.sub(second).abs().max().item<double>() < 1e-5;
}

}  // namespace

TEST_CASE("every method has the name PEFT gives it, and is found by it") {
  for (const std::string& name : lore::combination_method_names()) {
    CHECK(lore::name_of(*lore::combination_method(name)) == name);
  }
  CHECK(lore::combination_method_names().size() == 11);
  CHECK_FALSE(lore::combination_method("average"));
}

TEST_CASE("cat and svd of full rank are the exact sum") {
  CHECK(close(lore::dense_update(combined(lore::CombinationMethod::kCat, 2)), exact_sum(two())));
  CHECK(close(lore::dense_update(combined(lore::CombinationMethod::kSvd, 2)), exact_sum(two())));
}

TEST_CASE("a rank above what the method fills is padded with zeros") {
  for (const auto method : {lore::CombinationMethod::kCat, lore::CombinationMethod::kSvd}) {
    const lore::LowRank result = combined(method, 5);
    CHECK(result.a.size(0) == 5);
    CHECK(result.b.size(1) == 5);
    CHECK(close(lore::dense_update(result), exact_sum(two())));
    CHECK_FALSE(result.a.narrow(0, 2, 3).any().item<bool>());
  }
}

TEST_CASE("linear spreads the weight over both matrices and its sign over A") {
  const lore::LowRank result = combined(lore::CombinationMethod::kLinear, 1);
  // Weights times scales are 1 and -4: roots 1 and 2.
  CHECK(close(result.a, at::tensor({11.0F, -4.0F, -1.0F}).view({1, 3})));
  CHECK(close(result.b, at::tensor({5.0F, 2.0F}).view({2, 1})));
}

TEST_CASE("ties keeps the elements with the sign of the sum, averaged") {
  const lore::LowRank result = combined(lore::CombinationMethod::kTies, 1);
  // Sums of A -4, -1, 5: the second's -5, the first's -2, both 3 and 2.
  CHECK(close(result.a, at::tensor({10.0F, -2.0F, (3.0F - 4.0F) / 2}).view({1, 3})));
  // Sums of B 3, 3: both 1 and 2, the first's 4.
  CHECK(close(result.b, at::tensor({(1.0F + 4.0F) / 2, 4.0F}).view({2, 1})));
}

TEST_CASE("a sign elected by number may be another than that of the sum") {
  std::vector<lore::WeightedLowRank> parts;
  for (const float value : {1.0F, 1.0F, -5.0F}) {
    parts.push_back(
        part(parts.size(), 1, 1, at::tensor({value}).view({1, 1}), at::tensor({1.0F}).view({1, 1})));
  }
  lore::Combination combination;
  combination.method = lore::CombinationMethod::kTies;
  CHECK(lore::combine(parts, combination, 1, 0).a.item<float>() == -5.0F);
  combination.sign_by_count = true;
  CHECK(lore::combine(parts, combination, 1, 0).a.item<float>() == 1.0F);
}

TEST_CASE("magnitude_prune keeps the largest share, rounded down") {
  const lore::LowRank result = combined(lore::CombinationMethod::kMagnitudePrune, 1, 0.67);
  // Of three elements of A two stay, of two of B one.
  CHECK(close(result.a, at::tensor({10.0F, -2.0F, 3.0F - 4.0F}).view({1, 3})));
  CHECK(close(result.b, at::tensor({2 * 2.0F, 4.0F}).view({2, 1})));
}

TEST_CASE("what dare drops depends on seed, module and adapter alone") {
  lore::Combination combination;
  combination.method = lore::CombinationMethod::kDareLinear;
  combination.density = 0.5;
  lore::WeightedLowRank large = part(0, 1, 1, at::ones({8, 100}), at::ones({50, 8}));
  const auto a_of = [&](std::uint64_t seed, std::uint64_t module, std::size_t adapter) {
    combination.seed = seed;
    large.adapter = adapter;
    return lore::combine(std::span(&large, 1), combination, 8, module).a;
  };
  const at::Tensor first = a_of(1, 0, 0);
  CHECK(first.equal(a_of(1, 0, 0)));
  CHECK_FALSE(first.equal(a_of(2, 0, 0)));
  CHECK_FALSE(first.equal(a_of(1, 1, 0)));
  CHECK_FALSE(first.equal(a_of(1, 0, 1)));
  CHECK(first.mean().item<double>() == Approx(1).margin(0.15));  // kept ones count double
}

TEST_CASE("the inner product of two updates is that of their products") {
  const auto parts = two();
  const at::Tensor first = lore::dense_update(parts[0].low_rank);
  const at::Tensor second = lore::dense_update(parts[1].low_rank);
  CHECK(lore::inner_product(parts[0].low_rank, parts[1].low_rank) ==
        Approx(first.mul(second).sum().item<double>()));
  CHECK(lore::inner_product(parts[1].low_rank, parts[1].low_rank) ==
        Approx(second.square().sum().item<double>()));
}

TEST_CASE("ranks add up for cat, the largest counts for the others, and SVD has its own") {
  const std::vector<std::int64_t> ranks{4, 8};
  CHECK(lore::combined_rank(lore::CombinationMethod::kCat, ranks, 3) == 12);
  CHECK(lore::combined_rank(lore::CombinationMethod::kTies, ranks, 3) == 8);
  CHECK(lore::combined_rank(lore::CombinationMethod::kTiesSvd, ranks, 3) == 3);
}
