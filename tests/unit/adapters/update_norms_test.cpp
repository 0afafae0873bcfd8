#include "lore/adapters/update_norms.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>

#include "support/catch.h"

TEST_CASE("norms from the factors are those of the product") {
  for (const std::int64_t rank : {1, 3, 8, 40}) {
    const at::Tensor a = at::randn({rank, 24});
    const at::Tensor b = at::randn({17, rank});
    const at::Tensor update = at::matmul(b.to(at::kDouble), a.to(at::kDouble)) * 0.5;
    const at::Tensor singular = at::linalg_svdvals(update);
    const lore::UpdateNorms norms = lore::measure_update(a, b, -0.5);
    INFO(rank);
    CHECK(norms.frobenius == Approx(update.norm().item<double>()).epsilon(1e-9));
    CHECK(norms.spectral == Approx(singular.max().item<double>()).epsilon(1e-9));
    const at::Tensor shares = singular / singular.sum();
    const double entropy = -(shares * shares.log()).nan_to_num().sum().item<double>();
    CHECK(norms.effective_rank == Approx(std::exp(entropy)).epsilon(1e-5));
    CHECK(norms.a == Approx(a.to(at::kDouble).norm().item<double>()));
    CHECK(norms.b == Approx(b.to(at::kDouble).norm().item<double>()));
  }
}

TEST_CASE("equal singular values have the effective rank of their number, and zeros have none") {
  CHECK(lore::measure_update(at::eye(4), at::eye(4), 2).effective_rank == Approx(4));
  CHECK(lore::measure_update(at::eye(4), at::eye(4), 2).spectral == Approx(2));
  const lore::UpdateNorms zero = lore::measure_update(at::randn({4, 8}), at::zeros({8, 4}), 2);
  CHECK(zero.frobenius == 0);
  CHECK(zero.spectral == 0);
  CHECK(zero.effective_rank == 0);
  // Two rows of A that say the same: rank 1.
  const at::Tensor row = at::randn({1, 8});
  CHECK(lore::measure_update(at::cat({row, row}), at::eye(2), 1).effective_rank == Approx(1).epsilon(1e-5));
}

TEST_CASE("updates of different ranks are compared by their factors") {
  const at::Tensor a_a = at::randn({3, 20});
  const at::Tensor b_a = at::randn({10, 3});
  const at::Tensor a_b = at::randn({5, 20});
  const at::Tensor b_b = at::randn({10, 5});
  const at::Tensor left = at::matmul(b_a.to(at::kDouble), a_a.to(at::kDouble)) * 2.0;
  const at::Tensor right = at::matmul(b_b.to(at::kDouble), a_b.to(at::kDouble)) * 0.25;
  const lore::UpdateDifference difference = lore::compare_updates(a_a, b_a, 2.0, a_b, b_b, 0.25);
  CHECK(difference.norm_a == Approx(left.norm().item<double>()).epsilon(1e-9));
  CHECK(difference.norm_b == Approx(right.norm().item<double>()).epsilon(1e-9));
  CHECK(difference.difference == Approx((left - right).norm().item<double>()).epsilon(1e-9));
  CHECK(difference.cosine ==
        Approx(((left * right).sum() / (left.norm() * right.norm())).item<double>()).margin(1e-9));
  CHECK(difference.relative() == Approx(difference.difference / difference.norm_a));
}

TEST_CASE("what is the same differs by exactly nothing, however it is factored by nearly nothing") {
  const at::Tensor a = at::randn({3, 20});
  const at::Tensor b = at::randn({10, 3});
  CHECK(lore::compare_updates(a, b, 2, a, b, 2).relative() == 0);
  CHECK(lore::compare_updates(a, b, 2, a, b, 2).cosine == Approx(1));
  const lore::UpdateDifference halved = lore::compare_updates(a, b, 2, a * 2, b, 1);
  CHECK(halved.relative() < 1e-14);
  CHECK(lore::compare_updates(a, b, 1, a, b, -1).cosine == Approx(-1));
  CHECK(lore::compare_updates(a, at::zeros({10, 3}), 1, a, b, 1).relative() ==
        std::numeric_limits<double>::infinity());
}
