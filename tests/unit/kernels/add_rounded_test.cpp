#include "lore/kernels/add_rounded.h"

#include <ATen/Functions.h>

#include <limits>
#include <vector>

#include "lore/core/philox.h"
#include "support/catch.h"

namespace {

std::vector<float> normal(std::size_t count, float scale, std::uint64_t stream) {
  lore::PhiloxStream random(7, stream);
  std::vector<float> values(count);
  for (float& value : values) {
    value = random.normal() * scale;
  }
  return values;
}

at::Tensor wrap(std::vector<float>& values) {
  return at::from_blob(values.data(), {static_cast<std::int64_t>(values.size())},
                       at::TensorOptions(at::kFloat));
}

}  // namespace

TEST_CASE("the sum is rounded once, as LibTorch rounds it, in every storage type") {
  constexpr std::size_t kCount = 10007;  // not a multiple of any vector width
  const auto dtype = GENERATE(at::kFloat, at::kBFloat16, at::kHalf);
  std::vector<float> w = normal(kCount, 0.05F, 0);
  std::vector<float> d = normal(kCount, 0.0005F, 1);
  const at::Tensor before = wrap(w).to(dtype);
  const at::Tensor wanted = wrap(w).add(wrap(d)).to(dtype);
  at::Tensor out = at::empty({static_cast<std::int64_t>(kCount)}, at::TensorOptions(dtype));
  const lore::RoundedUpdate update = lore::add_rounded(w.data(), d.data(), static_cast<std::int64_t>(kCount),
                                                       dtype, static_cast<std::byte*>(out.data_ptr()));
  CHECK(out.equal(wanted));
  CHECK(update.finite);
  CHECK(update.elements == static_cast<std::int64_t>(kCount));
  CHECK(update.changed == wanted.ne(before).sum().item<std::int64_t>());
  const at::Tensor wide = wrap(d).to(at::kDouble);
  CHECK(update.squared_norm == Approx(wide.mul(wide).sum().item<double>()).epsilon(1e-5));
  const at::Tensor moved = wanted.to(at::kDouble).sub(before.to(at::kDouble));
  CHECK(update.projection == Approx(moved.mul(wide).sum().item<double>()).epsilon(1e-4));
}

TEST_CASE("a product of two factors is added as if it had been made before") {
  const std::int64_t rows = GENERATE(1, 5);
  const std::int64_t columns = GENERATE(1, 63, 64, 1201);
  const std::int64_t rank = GENERATE(1, 7, 16);
  const auto dtype = GENERATE(at::kFloat, at::kBFloat16, at::kHalf);
  const auto count = static_cast<std::size_t>(rows * columns);
  std::vector<float> w = normal(count, 0.05F, 0);
  std::vector<float> a = normal(static_cast<std::size_t>(rank * columns), 1.0F, 1);
  std::vector<float> b = normal(static_cast<std::size_t>(rows * rank), 0.001F, 2);
  const at::Tensor product =
      wrap(b).view({rows, rank}).to(at::kDouble).mm(wrap(a).view({rank, columns}).to(at::kDouble));
  std::vector<float> out(count);
  const auto update = lore::add_product_rounded(w.data(), b.data(), a.data(), rows, columns, rank, dtype,
                                                reinterpret_cast<std::byte*>(out.data()));
  const at::Tensor merged =
      at::from_blob(out.data(), {rows, columns}, at::TensorOptions(dtype)).to(at::kDouble);
  const at::Tensor wanted = wrap(w).view({rows, columns}).to(at::kDouble).add(product);
  const double step = dtype == at::kFloat ? 1e-6 : (dtype == at::kHalf ? 1e-3 : 8e-3);
  CHECK(at::allclose(merged, wanted, step, 1e-7));
  CHECK(update.elements == rows * columns);
  CHECK(update.squared_norm == Approx(product.square().sum().item<double>()).epsilon(1e-4));
}

TEST_CASE("an update below half a step of the storage type leaves nothing") {
  std::vector<float> w(64, 1.0F);
  std::vector<float> d(64, 1e-4F);
  std::vector<std::byte> out(128);
  const auto update = lore::add_rounded(w.data(), d.data(), 64, at::kBFloat16, out.data());
  CHECK(update.changed == 0);
  CHECK(update.projection == 0);
  CHECK(update.squared_norm > 0);
}

TEST_CASE("values that are or become infinite or NaN are noticed") {
  const float bad = GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity());
  const auto dtype = GENERATE(at::kFloat, at::kBFloat16, at::kHalf);
  std::vector<float> w(37, 1.0F);
  std::vector<float> d(37, 0.5F);
  std::vector<std::byte> out(37 * 4);
  CHECK(lore::round_to(w.data(), 37, dtype, out.data()));
  CHECK(lore::all_finite(out.data(), 37, dtype));
  w[36] = bad;
  CHECK_FALSE(lore::add_rounded(w.data(), d.data(), 37, dtype, out.data()).finite);
  CHECK_FALSE(lore::round_to(w.data(), 37, dtype, out.data()));
  CHECK_FALSE(lore::all_finite(out.data(), 37, dtype));
  w[36] = 70000.0F;  // beyond float16 alone
  CHECK(lore::add_rounded(w.data(), d.data(), 37, dtype, out.data()).finite == (dtype != at::kHalf));
}
