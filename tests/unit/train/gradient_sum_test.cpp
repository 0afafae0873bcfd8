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
