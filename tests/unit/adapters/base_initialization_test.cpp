#include "lore/adapters/base_initialization.h"

#include <ATen/ops/linalg_svd.h>

#include "lore/core/error.h"
#include "unit/kernels/oracle.h"

// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

at::Tensor update(const lore::StartingPair& pair, double scale) { return scale * pair.b.mm(pair.a); }

/// The nearest matrix of rank 4.
at::Tensor best_of_rank_four(const at::Tensor& w) {
  const auto [u, s, vh] = at::linalg_svd(w, false);
  return u.narrow(1, 0, 4).mul(s.narrow(0, 0, 4)).mm(vh.narrow(0, 0, 4));
}

}  // namespace

TEST_CASE("pissa takes the nearest matrix of its rank out of the weight, whatever the scale and the shape") {
  const auto shape = GENERATE(std::vector<std::int64_t>{20, 9}, std::vector<std::int64_t>{9, 20});
  const double scale = GENERATE(0.5, 4.0);
  const at::Tensor w = random_tensor(shape);
  const at::Tensor best = best_of_rank_four(w);
  CHECK(relative_difference(update(lore::starting_pair("pissa", w, 4, scale, 1, 2), scale), best) < 1e-5);
  const lore::StartingPair random = lore::starting_pair("pissa_niter_30", w, 4, scale, 1, 2);
  CHECK(relative_difference(update(random, scale), best) < 1e-3);
  CHECK(random.a.equal(lore::starting_pair("pissa_niter_30", w, 4, scale, 1, 2).a));
  CHECK(random.a.size(0) == 4);
  CHECK(random.b.size(0) == shape[0]);
}

TEST_CASE("olora takes the projection onto the first columns out of the weight") {
  const at::Tensor w = random_tensor({12, 7});
  const lore::StartingPair pair = lore::starting_pair("olora", w, 3, 1, 0, 0);
  CHECK(relative_difference(pair.b.t().mm(pair.b), at::eye(3)) < 1e-5);
  CHECK(relative_difference(update(pair, 1), pair.b.mm(pair.b.t()).mm(w)) < 1e-5);
}

TEST_CASE("a rank that the weight does not have is an error") {
  const auto init = GENERATE("pissa", "pissa_niter_4", "olora");
  CHECK_THROWS_AS(lore::starting_pair(init, random_tensor({4, 9}), 5, 1, 0, 0), lore::Error);
}

TEST_CASE("twice the rank with the start taken off is the same update, with the same scale") {
  const bool rslora = GENERATE(false, true);
  lore::PeftConfig config;
  config.r = 4;
  config.lora_alpha = 6;
  config.use_rslora = rslora;
  config.rank_pattern = {{"q_proj", 3}};
  config.alpha_pattern = {{"v_proj", 5}};
  config.init_lora_weights = "pissa";
  const lore::PeftConfig doubled = lore::doubled_rank(config);
  const auto scale = [&](double alpha, std::int64_t r) {
    const auto rank = static_cast<double>(r);
    return alpha / (rslora ? std::sqrt(rank) : rank);
  };
  CHECK(scale(doubled.lora_alpha, doubled.r) == Approx(scale(6, 4)));
  CHECK(scale(doubled.lora_alpha, doubled.rank_pattern[0].second) == Approx(scale(6, 3)));
  CHECK(scale(doubled.alpha_pattern[0].second, doubled.r) == Approx(scale(5, 4)));
  CHECK(std::get<bool>(doubled.init_lora_weights));
  const lore::StartingPair trained{random_tensor({4, 9}), random_tensor({7, 4}, at::kFloat, 2)};
  const lore::StartingPair start{random_tensor({4, 9}, at::kFloat, 3), random_tensor({7, 4}, at::kFloat, 4)};
  CHECK(relative_difference(update(lore::with_start_taken_off(trained, start), 2),
                            update(trained, 2) - update(start, 2)) < 1e-5);
}
