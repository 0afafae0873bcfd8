#include "lore/tasks/gptq.h"

#include <ATen/ATen.h>

#include "lore/tasks/int_format.h"
#include "support/catch.h"

namespace {

/// A matrix that is read from memory.
class OneTensor final : public lore::WeightSource {
 public:
  explicit OneTensor(at::Tensor values) : values_(std::move(values)) {}
  const lore::LlamaConfig& config() const override { return config_; }
  at::Tensor tensor(const std::string&, at::IntArrayRef, at::ScalarType dtype) const override {
    return values_.to(dtype);
  }
  void read_rows(const std::string&, at::IntArrayRef, std::int64_t first, std::int64_t count,
                 float* target) const override {
    const at::Tensor rows = values_.narrow(0, first, count).contiguous();
    std::copy_n(rows.const_data_ptr<float>(), rows.numel(), target);
  }
  std::vector<std::string> unused(const std::vector<std::string>&) const override { return {}; }
  std::vector<std::filesystem::path> files() const override { return {}; }

 private:
  at::Tensor values_;
  lore::LlamaConfig config_;
};

/// ||(W - Q) X||^2.
double output_error(const at::Tensor& weight, const lore::IntMatrix& matrix, const at::Tensor& x) {
  const at::Tensor q = lore::dequantized(matrix, weight.size(0), weight.size(1));
  return at::matmul(x, (weight - q).t()).square().sum().item<double>();
}

}  // namespace

TEST_CASE("GPTQ loses less of the outputs than rounding, on inputs it has seen and on others of their kind") {
  at::manual_seed(7);
  const at::Tensor weight = at::randn({64, 256}) * 0.02;
  // Inputs that move together, some of them much larger than others.
  const at::Tensor mixing = at::randn({40, 256}) * at::exp(at::randn({256}));
  const auto inputs = [&] { return at::matmul(at::randn({600, 40}), mixing) + at::randn({600, 256}) * 0.1; };
  const at::Tensor seen = inputs();
  const at::Tensor unseen = inputs();
  for (const lore::IntFormat& format : lore::int_formats()) {
    const std::int64_t group = lore::group_of(format, 256);
    const lore::IntMatrix rounded =
        lore::round_to_nearest(OneTensor(weight), "w", weight.sizes(), format, {}, lore::DType::kF32);
    const lore::IntMatrix better =
        lore::gptq(weight.clone(), at::matmul(seen.t(), seen), format, group, lore::DType::kF32);
    INFO(format.name);
    CHECK(output_error(weight, better, seen) < 0.5 * output_error(weight, rounded, seen));
    CHECK(output_error(weight, better, unseen) < 0.6 * output_error(weight, rounded, unseen));
  }
}

TEST_CASE("GPTQ takes inputs that are never there, and those that are all the same") {
  at::manual_seed(8);
  const at::Tensor weight = at::randn({8, 64}) * 0.02;
  const lore::IntFormat& format = *lore::int_format_named("hf:w4a16");
  for (const at::Tensor& hessian : {at::zeros({64, 64}), at::ones({64, 64})}) {
    const lore::IntMatrix matrix = lore::gptq(weight.clone(), hessian.clone(), format, 32, lore::DType::kF32);
    CHECK(lore::dequantized(matrix, 8, 64).isfinite().all().item<bool>());
  }
}
