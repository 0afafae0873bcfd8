#include "lore/tasks/logit_difference.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/catch.h"

namespace {

lore::LogitDifference compare(const at::Tensor& p, const at::Tensor& q, std::int64_t width) {
  lore::LogitComparison comparison(p.size(0));
  for (std::int64_t first = 0; first < p.size(1); first += width) {
    const std::int64_t count = std::min(width, p.size(1) - first);
    comparison.add(p.narrow(1, first, count).contiguous(), q.narrow(1, first, count).contiguous());
  }
  return comparison.result();
}

}  // namespace

TEST_CASE("logits compared a block at a time give what LibTorch gives for whole rows") {
  const std::int64_t width = GENERATE(1, 7, 64, 1000);
  const at::Tensor p = at::randn({9, 311}) * 6;
  const at::Tensor q = p + at::randn({9, 311}) * 0.5;
  const at::Tensor log_p = at::log_softmax(p.to(at::kDouble), 1);
  const at::Tensor log_q = at::log_softmax(q.to(at::kDouble), 1);
  const at::Tensor kl = (log_p.exp() * (log_p - log_q)).sum(1);
  const lore::LogitDifference difference = compare(p, q, width);
  CHECK(difference.kl == Approx(kl.mean().item<double>()).epsilon(1e-9));
  CHECK(difference.max_kl == Approx(kl.max().item<double>()).epsilon(1e-9));
  CHECK(difference.max_abs == Approx((p - q).abs().max().item<double>()).epsilon(1e-6));
  CHECK(difference.mean_abs == Approx((p - q).abs().mean().item<double>()).epsilon(1e-5));
  CHECK(difference.top1_agreement ==
        Approx(at::argmax(p, 1).eq(at::argmax(q, 1)).to(at::kDouble).mean().item<double>()));
}

TEST_CASE("equal logits have no difference, and large ones do not overflow") {
  const at::Tensor p = at::randn({3, 50}) * 1e4;
  const lore::LogitDifference difference = compare(p, p, 8);
  CHECK(difference.kl == 0);
  CHECK(difference.max_abs == 0);
  CHECK(difference.top1_agreement == Approx(1));
}

TEST_CASE("a NaN among the logits is not lost") {
  const at::Tensor p = at::randn({2, 20});
  at::Tensor q = p.clone();
  q[1][3] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(compare(p, q, 8).mean_abs));
}
