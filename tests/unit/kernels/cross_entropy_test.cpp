#include "lore/kernels/cross_entropy.h"

#include "lore/core/error.h"
#include "unit/kernels/oracle.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

TEST_CASE("linear cross-entropy and its gradient agree with autograd on the trained rows") {
  // The large vocabulary makes several chunks.
  constexpr std::int64_t kShapes[][3] = {{1, 4, 3}, {23, 16, 101}, {700, 8, 50021}};
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const auto& [n, d, v] : kShapes) {
      const at::Tensor hidden = random_tensor({n, d}, dtype, 1);
      const at::Tensor w = random_tensor({v, d}, dtype, 2);
      std::vector<std::int32_t> labels;
      std::vector<std::int64_t> targets;
      for (std::int64_t i = 0; i < n; ++i) {
        labels.push_back(i % 3 == 1 ? lore::kIgnoredLabel : static_cast<std::int32_t>(i * 37 % v));
        targets.push_back(labels.back());
      }
      const at::Tensor hidden_leaf = hidden.to(at::kDouble).set_requires_grad(true);
      const at::Tensor loss = at::cross_entropy_loss(hidden_leaf.mm(w.to(at::kDouble).t()),
                                                     at::tensor(targets), {}, at::Reduction::Sum);
      (loss * 0.01).backward();
      const lore::LinearCrossEntropyResult result = lore::linear_cross_entropy(hidden, w, labels, 0.01, true);
      CHECK(result.count == n - (n + 1) / 3);
      CHECK(result.loss_sum == Approx(loss.item<double>()).epsilon(dtype == at::kFloat ? 1e-5 : 3e-3));
      CHECK(relative_difference(result.dhidden, hidden_leaf.grad()) <= (dtype == at::kFloat ? 1e-5 : 2e-2));
      CHECK_FALSE(lore::linear_cross_entropy(hidden, w, labels, 1, false).dhidden.defined());
    }
  }
}

TEST_CASE("no trained row is no loss and no gradient") {
  const auto result = lore::linear_cross_entropy(at::ones({2, 3}), at::ones({5, 3}), {-100, -100}, 1, true);
  CHECK(result.count == 0);
  CHECK(result.loss_sum == 0);
  CHECK(result.dhidden.abs().sum().item<float>() == 0);
}

TEST_CASE("a NaN in the hidden states is a NaN in the loss, never hidden") {
  at::Tensor hidden = at::ones({1, 3});
  hidden[0][1] = std::nan("");
  CHECK(std::isnan(lore::linear_cross_entropy(hidden, at::ones({5, 3}), {2}, 1, false).loss_sum));
}

TEST_CASE("a label outside the vocabulary is an error") {
  CHECK_THROWS_AS(lore::linear_cross_entropy(at::ones({1, 3}), at::ones({5, 3}), {5}, 1, false), lore::Error);
}
