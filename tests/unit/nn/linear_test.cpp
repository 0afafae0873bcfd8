#include "lore/nn/linear.h"

#include "lore/kernels/dropout.h"
#include "unit/kernels/oracle.h"

// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

constexpr std::int64_t kTokens = 7, kIn = 12, kOut = 10, kRank = 3;

/// Keeps the last gradient it is given.
struct Keeper final : lore::GradientSink {
  lore::LowRankGradient gradient;
  void accumulate(std::size_t, const lore::LowRankGradient& given) override { gradient = given; }
  void accumulate(const lore::FullParameter&, const lore::FullGradient&) override {}
};

lore::LowRank random_low_rank(bool dora, double dropout) {
  lore::LowRank low_rank;
  low_rank.a = random_tensor({kRank, kIn}, at::kFloat, 2);
  low_rank.b = random_tensor({kOut, kRank}, at::kFloat, 3).mul_(0.3);
  low_rank.scale = 1.5;
  low_rank.dropout = dropout;
  if (dora) {
    low_rank.magnitude = random_tensor({kOut}, at::kFloat, 4).abs_().add_(1);
  }
  return low_rank;
}

}  // namespace

TEST_CASE("a linear with LoRA or DoRA and its gradients are those of autograd") {
  const bool dora = GENERATE(false, true);
  const double dropout = GENERATE(0.0, 0.4);
  const bool biased = GENERATE(false, true);
  const bool trains_a = GENERATE(true, false);
  CAPTURE(dora, dropout, biased, trains_a);
  const at::Tensor w = random_tensor({kOut, kIn});
  const at::Tensor bias = biased ? random_tensor({kOut}, at::kFloat, 5).mul_(10) : at::Tensor();
  const lore::Linear linear{"linear", 0, lore::BaseWeight(w), bias};
  lore::AdapterSet adapters(1);
  adapters.set(0, random_low_rank(dora, dropout));
  lore::LowRank& low_rank = *adapters.find(0);
  low_rank.trains_a = trains_a;
  low_rank.refresh(at::kFloat, linear.weight);
  const std::optional<lore::DropoutKey> key =
      dropout > 0 ? std::optional(lore::DropoutKey{99}) : std::nullopt;
  const at::Tensor x = random_tensor({kTokens, kIn}, at::kFloat, 6);
  const at::Tensor dy = random_tensor({kTokens, kOut}, at::kFloat, 7);
  lore::Linear::Saved saved;
  const at::Tensor y = linear.forward(x, adapters, key, &saved);
  Keeper keeper;
  at::Tensor dx;
  linear.backward(dy, x, saved, adapters, key, keeper, &dx);

  const at::Tensor ones = at::ones_like(x);
  const at::Tensor mask = key ? lore::dropout(ones, dropout, key->key, 0) : ones;
  const at::Tensor leaf_x = leaf(x), leaf_a = leaf(low_rank.a), leaf_b = leaf(low_rank.b);
  const at::Tensor input = leaf_x * mask;
  const at::Tensor update = 1.5 * input.mm(leaf_a.t()).mm(leaf_b.t());
  at::Tensor wanted = leaf_x.mm(w.t()) + update;
  at::Tensor magnitude;
  if (dora) {
    magnitude = leaf(low_rank.magnitude);
    const at::Tensor norm = (w + 1.5 * leaf_b.mm(leaf_a)).norm(2, 1).detach();
    wanted = wanted + (magnitude / norm - 1) * (input.mm(w.t()) + update);
  }
  if (biased) {
    wanted = wanted + bias;
  }
  wanted.backward(dy);
  CHECK(relative_difference(y, wanted.detach()) < 1e-5);
  CHECK(relative_difference(dx, leaf_x.grad()) < 1e-5);
  CHECK(keeper.gradient.x.defined() == trains_a);
  if (trains_a) {
    CHECK(relative_difference(keeper.gradient.du.t().mm(keeper.gradient.x), leaf_a.grad()) < 1e-5);
  }
  CHECK(relative_difference(keeper.gradient.dy.t().mm(keeper.gradient.u), leaf_b.grad()) < 1e-5);
  CHECK(keeper.gradient.dmagnitude.defined() == dora);
  if (dora) {
    CHECK(relative_difference(keeper.gradient.dmagnitude.sum(0), magnitude.grad()) < 1e-5);
  }
}

TEST_CASE("row norms are those of the updated weight, and 1 where a row is zero") {
  const auto dtype = GENERATE(at::kFloat, at::kBFloat16);
  const at::Tensor w = random_tensor({kOut, kIn}, dtype);
  const at::Tensor a = random_tensor({kRank, kIn}, at::kFloat, 2);
  at::Tensor b = random_tensor({kOut, kRank}, at::kFloat, 3);
  w.select(0, 4).zero_();
  b.select(0, 4).zero_();
  at::Tensor wanted = (w.to(at::kDouble) + 0.7 * b.to(at::kDouble).mm(a.to(at::kDouble))).norm(2, 1);
  wanted.select(0, 4).fill_(1);
  CHECK(relative_difference(lore::updated_row_norms(w, b, a, 0.7), wanted) < 1e-6);
}

TEST_CASE("a residual stands in for the base weight") {
  const at::Tensor w = random_tensor({kOut, kIn});
  const lore::Linear linear{"linear", 0, lore::BaseWeight(w), {}};
  lore::AdapterSet adapters(1);
  lore::LowRank low_rank = random_low_rank(/*dora=*/false, 0);
  low_rank.residual = {lore::BaseWeight(w - 1.5 * low_rank.b.mm(low_rank.a)), low_rank.a, low_rank.b};
  low_rank.refresh(at::kFloat, linear.weight);
  adapters.set(0, low_rank);
  const at::Tensor x = random_tensor({kTokens, kIn}, at::kFloat, 6);
  CHECK(relative_difference(linear.forward(x, adapters, std::nullopt, nullptr), x.mm(w.t())) < 1e-5);
  CHECK(relative_difference(linear.forward(x, lore::AdapterSet(), std::nullopt, nullptr), x.mm(w.t())) <
        1e-5);
}
