
#include "lore/kernels/parallel.h"
#include "lore/kernels/rms_norm.h"
#include "lore/kernels/rope.h"
#include "lore/kernels/swiglu.h"
#include "unit/kernels/oracle.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

constexpr std::int64_t kSizes[][2] = {{1, 2}, {1, 576}, {7, 33}, {64, 576}, {3, 4097}, {0, 16}};

at::Tensor norm_oracle(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return x * (x.pow(2).mean(-1, true) + eps).rsqrt() * weight;
}

}  // namespace

TEST_CASE("rms_norm and its backward agree with autograd") {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const auto& size : kSizes) {
      const at::Tensor x = random_tensor({size[0], size[1]}, dtype, 1);
      const at::Tensor weight = random_tensor({size[1]}, dtype, 2);
      const at::Tensor dy = random_tensor({size[0], size[1]}, dtype, 3);
      const at::Tensor x_leaf = leaf(x);
      const at::Tensor y = norm_oracle(x_leaf, weight.to(at::kFloat), 1e-5);
      y.backward(dy.to(at::kFloat));
      const lore::RmsNormResult result = lore::rms_norm(x, weight, 1e-5);
      INFO(size[0] << " x " << size[1]);
      CHECK(relative_difference(result.y, y) <= tolerance(dtype));
      CHECK(relative_difference(lore::rms_norm_backward(dy, x, weight, result.rstd), x_leaf.grad()) <=
            tolerance(dtype) * 2);
      at::Tensor sum = random_tensor({size[0], size[1]}, dtype, 4);
      const at::Tensor expected = sum.to(at::kFloat) + x_leaf.grad();
      lore::rms_norm_backward_add(sum, dy, x, weight, result.rstd);
      CHECK(relative_difference(sum, expected) <= tolerance(dtype) * 2);
    }
  }
}

TEST_CASE("swiglu and its backward agree with autograd, also in place") {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const auto& size : kSizes) {
      at::Tensor gate = random_tensor({size[0], size[1]}, dtype, 1) * 4;
      at::Tensor up = random_tensor({size[0], size[1]}, dtype, 2);
      const at::Tensor dh = random_tensor({size[0], size[1]}, dtype, 3);
      const at::Tensor gate_leaf = leaf(gate);
      const at::Tensor up_leaf = leaf(up);
      const at::Tensor h = at::silu(gate_leaf) * up_leaf;
      h.backward(dh.to(at::kFloat));
      CHECK(relative_difference(lore::swiglu(gate, up), h) <= tolerance(dtype));
      lore::swiglu_backward(dh, gate, up, gate, up);
      CHECK(relative_difference(gate, gate_leaf.grad()) <= tolerance(dtype));
      CHECK(relative_difference(up, up_leaf.grad()) <= tolerance(dtype));
    }
  }
}

TEST_CASE("swiglu of large values neither overflows nor loses a NaN") {
  const at::Tensor gate = at::tensor({-200.0F, -90.0F, 90.0F, 200.0F, std::nanf("")});
  const at::Tensor h = lore::swiglu(gate, at::ones({5}));
  CHECK(h[0].item<float>() == Approx(0).margin(1e-30));
  CHECK(h[2].item<float>() == Approx(90));
  CHECK(h[3].item<float>() == Approx(200));
  CHECK(std::isnan(h[4].item<float>()));
}

TEST_CASE("rope turns by the angles of its tables and back") {
  const std::int64_t n = 5;
  const at::Tensor angle = random_tensor({n, 8});
  const at::Tensor x = random_tensor({n, 3, 16});
  at::Tensor turned = x.clone();
  lore::rope_inplace(turned, angle.cos(), angle.sin(), false);
  const at::Tensor cos = at::cat({angle.cos(), angle.cos()}, 1).unsqueeze(1);
  const at::Tensor sin = at::cat({angle.sin(), angle.sin()}, 1).unsqueeze(1);
  const at::Tensor half_turned = at::cat({-x.narrow(2, 8, 8), x.narrow(2, 0, 8)}, 2);
  CHECK(relative_difference(turned, x * cos + half_turned * sin) <= 1e-6);
  lore::rope_inplace(turned, angle.cos(), angle.sin(), true);
  CHECK(relative_difference(turned, x) <= 1e-6);
}

TEST_CASE("element-wise kernels give the same bytes with one thread and with two") {
  const at::Tensor x = random_tensor({257, 577});
  const at::Tensor weight = random_tensor({577});
  const int before = lore::threads();
  lore::set_threads(1);
  const at::Tensor one = lore::swiglu(lore::rms_norm(x, weight, 1e-5).y, x);
  lore::set_threads(2);
  const at::Tensor two = lore::swiglu(lore::rms_norm(x, weight, 1e-5).y, x);
  lore::set_threads(before);
  CHECK(at::equal(one, two));
}
