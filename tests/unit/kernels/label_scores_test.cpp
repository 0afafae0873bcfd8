#include "lore/kernels/label_scores.h"

#include <cmath>

#include "lore/core/error.h"
#include "lore/kernels/matmul.h"
#include "unit/kernels/oracle.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

/// x·wᵀ, which nothing goes back through.
class Product final : public lore::LogitLayer {
 public:
  explicit Product(at::Tensor w) : w_(std::move(w)) {}

  std::int64_t vocabulary() const override { return w_.size(0); }
  at::Tensor forward(const at::Tensor& x) override { return lore::matmul_nt(x, w_); }
  at::Tensor backward(const at::Tensor& dlogits) override { return dlogits; }

 private:
  at::Tensor w_;
};

}  // namespace

TEST_CASE("labels get the log-softmax of their rows, and are told whether they are the likeliest") {
  // The large vocabulary makes several chunks.
  constexpr std::int64_t kShapes[][3] = {{1, 4, 3}, {23, 16, 101}, {700, 8, 50021}};
  for (const auto& [n, d, v] : kShapes) {
    const at::Tensor hidden = random_tensor({n, d}, at::kFloat, 1);
    const at::Tensor w = random_tensor({v, d}, at::kFloat, 2);
    const at::Tensor logits = hidden.mm(w.t()).to(at::kDouble);
    const at::Tensor log_p = logits.log_softmax(1);
    const at::Tensor largest = logits.argmax(1);
    std::vector<std::int32_t> labels;
    for (std::int64_t i = 0; i < n; ++i) {
      labels.push_back(i % 3 == 1   ? lore::kIgnoredLabel
                       : i % 3 == 2 ? static_cast<std::int32_t>(largest[i].item<std::int64_t>())
                                    : static_cast<std::int32_t>(i * 37 % v));
    }
    Product layer(w);
    const std::vector<lore::LabelScore> scores = lore::label_scores(hidden, layer, labels);
    std::size_t next = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int32_t label = labels[static_cast<std::size_t>(i)];
      if (label == lore::kIgnoredLabel) {
        continue;
      }
      const lore::LabelScore score = scores.at(next++);
      CHECK(score.log_probability == Approx(log_p[i][label].item<double>()).epsilon(1e-5).margin(1e-6));
      CHECK(score.is_greedy == (label == largest[i].item<std::int64_t>()));
    }
    CHECK(next == scores.size());
  }
}

TEST_CASE("no label is no score, and one outside the vocabulary is an error") {
  Product layer(at::ones({5, 3}));
  CHECK(lore::label_scores(at::ones({2, 3}), layer, {-100, -100}).empty());
  CHECK_THROWS_AS(lore::label_scores(at::ones({1, 3}), layer, {5}), lore::Error);
}
