#include "lore/train/gradient_sum.h"

#include <ATen/ATen.h>

// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

lore::AdapterSet one_adapter() {
  lore::AdapterSet adapters(3);
  lore::LowRank low_rank;
  low_rank.a = at::zeros({2, 5});
  low_rank.b = at::zeros({4, 2});
  adapters.set(1, low_rank);
  return adapters;
}

}  // namespace

TEST_CASE("gradients are products of the factors, summed over micro-batches") {
  const lore::AdapterSet adapters = one_adapter();
  lore::GradientSum sum(adapters);
  const lore::LowRankGradient gradient{at::randn({7, 5}), at::randn({7, 2}), at::randn({7, 4}),
                                       at::randn({7, 2})};
  sum.accumulate(1, gradient);
  sum.accumulate(1, gradient);
  CHECK(at::allclose(sum.gradients()[0], 2 * gradient.du.t().mm(gradient.x), 1e-5, 1e-5));
  CHECK(at::allclose(sum.gradients()[1], 2 * gradient.dy.t().mm(gradient.u), 1e-5, 1e-5));
  sum.zero();
  CHECK(sum.norm() == 0);
}

TEST_CASE("whole parameters get products, sums of rows, or rows at ids, after those of the pairs") {
  lore::AdapterSet adapters = one_adapter();
  adapters.full().add("model.embed_tokens.weight", at::zeros({6, 5}));
  adapters.full().add("model.norm.weight", at::zeros({5}));
  adapters.full().add("model.q_proj.weight", at::zeros({4, 5}));
  lore::GradientSum sum(adapters);
  REQUIRE(sum.gradients().size() == 5);
  REQUIRE(lore::trainable_parameters(adapters, 3).size() == 5);
  const auto& full = adapters.full();
  const at::Tensor x = at::randn({3, 5});
  const at::Tensor dy = at::randn({3, 4});
  for (int batch = 0; batch < 2; ++batch) {
    sum.accumulate(*full.find("model.embed_tokens", "weight"), {x, at::tensor({4, 1, 4}, at::kLong)});
    sum.accumulate(*full.find("model.norm", "weight"), {{}, x});
    sum.accumulate(*full.find("model.q_proj", "weight"), {x, dy});
  }
  const at::Tensor& embedding = sum.gradients()[2];
  CHECK(at::allclose(embedding[4], 2 * (x[0] + x[2])));
  CHECK(at::allclose(embedding[1], 2 * x[1]));
  CHECK(embedding[0].abs().sum().item<float>() == 0);
  CHECK(at::allclose(sum.gradients()[3], 2 * x.sum(0)));
  CHECK(at::allclose(sum.gradients()[4], 2 * dy.t().mm(x), 1e-5, 1e-5));
  CHECK(full.find("model.norm", "bias") == nullptr);
  CHECK(adapters.parameter_count() == 2 * 5 + 4 * 2 + 30 + 5 + 20);
  CHECK(adapters.trained_parameter_count() == adapters.parameter_count());
  adapters.find(1)->trains_a = false;
  CHECK(adapters.trained_parameter_count() == 4 * 2 + 30 + 5 + 20);
}

TEST_CASE("B and vectors learn faster, and both matrices on the embeddings at a rate of their own") {
  lore::AdapterSet adapters = one_adapter();
  adapters.set(2, *adapters.find(1));
  adapters.full().add("model.norm.weight", at::zeros({5}));
  adapters.full().add("lm_head.weight", at::zeros({6, 5}));
  std::vector<lore::RateGroup> rates;
  for (const lore::TrainedParameter& parameter : lore::trainable_parameters(adapters, /*embeddings=*/2)) {
    rates.push_back(parameter.rate);
  }
  using enum lore::RateGroup;
  CHECK(rates == std::vector{kUsual, kFaster, kEmbeddings, kEmbeddings, kFaster, kUsual});
}

TEST_CASE("clipping scales a large gradient to the norm and leaves a small one") {
  const lore::AdapterSet adapters = one_adapter();
  lore::GradientSum sum(adapters);
  sum.accumulate(1, {at::ones({1, 5}), at::ones({1, 2}), at::ones({1, 4}), at::ones({1, 2})});
  const double norm = sum.norm();
  CHECK(norm == Approx(std::sqrt(18.0)));
  sum.clip(norm, 100);
  CHECK(sum.norm() == Approx(norm));
  sum.clip(norm, 1);
  CHECK(sum.norm() == Approx(1).epsilon(1e-4));
}
