#include "lore/tasks/weight_difference.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "lore/core/error.h"
#include "lore/tasks/difference_svd.h"
#include "support/catch.h"

namespace {

/// A model of one matrix [rows, columns], whatever its name.
class OneMatrix final : public lore::WeightSource {
 public:
  explicit OneMatrix(std::vector<float> values) : values_(std::move(values)) {}

  const lore::LlamaConfig& config() const override { return config_; }
  at::Tensor tensor(const std::string& /*name*/, at::IntArrayRef /*shape*/,
                    at::ScalarType /*dtype*/) const override {
    return {};
  }
  void read_rows(const std::string& /*name*/, at::IntArrayRef shape, std::int64_t first, std::int64_t count,
                 float* target) const override {
    std::copy_n(values_.begin() + first * shape.back(), count * shape.back(), target);
  }
  std::vector<std::string> unused(const std::vector<std::string>& /*used*/) const override { return {}; }
  std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  lore::LlamaConfig config_;
  std::vector<float> values_;
};

}  // namespace

TEST_CASE("a difference is measured over every piece of a tensor larger than one piece") {
  const std::vector<std::int64_t> shape{1025, 2048};
  std::vector<float> values(1025 * 2048, 1.0F);
  const OneMatrix first(values);
  values.front() = 3;
  values.back() = 0;
  const OneMatrix second(values);
  const lore::WeightDifference difference = lore::compare_tensors({first, "w", shape}, {second, "w", shape});
  CHECK(difference.squared_norm == 5);
  CHECK(difference.max_abs == 2);
  CHECK(difference.differing == 2);
  CHECK(difference.elements == 1025 * 2048);
}

TEST_CASE("zeros of both signs are equal, and NaN is an error that names the tensor") {
  const OneMatrix zero({0.0F, 1.0F});
  const OneMatrix negative({-0.0F, 1.0F});
  CHECK(lore::compare_tensors({zero, "w", {2}}, {negative, "w", {2}}).differing == 0);
  const OneMatrix broken({0.0F, std::numeric_limits<float>::quiet_NaN()});
  CHECK_THROWS_WITH(lore::compare_tensors({zero, "w", {2}}, {broken, "w", {2}}), Catch::Contains("tensor w"));
}

TEST_CASE("the rank that explains a share is the smallest that does, and no larger than the given one") {
  const OneMatrix base(std::vector<float>(9, 0.0F));
  const OneMatrix tuned({4, 0, 0, 0, 3, 0, 0, 0, 0});  // singular values 4 and 3: shares 0.64 and 0.36
  const lore::DifferenceSvd svd(base, tuned);
  const auto rank = [&](std::optional<std::int64_t> most, double share) {
    return svd.approximate("w", "w", {3, 3}, {most, share})->update.rank();
  };
  CHECK(rank(std::nullopt, 0.5) == 1);
  CHECK(rank(std::nullopt, 0.65) == 2);
  CHECK(rank(1, 0.65) == 1);
  const auto one = svd.approximate("w", "w", {3, 3}, {1, std::nullopt});
  CHECK(one->residual == Approx(9));
  CHECK(one->difference.squared_norm == 25);
  CHECK_FALSE(
      svd.approximate("w", "w", {3, 3}, {7, std::nullopt})->update.a.narrow(0, 3, 4).any().item<bool>());
  CHECK_FALSE(lore::DifferenceSvd(tuned, tuned).approximate("w", "w", {3, 3}, {1, std::nullopt}));
}
