#include "lore/kernels/matmul.h"

#include <array>

#include "lore/core/error.h"
#include "lore/kernels/parallel.h"
#include "unit/kernels/oracle.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

TEST_CASE("products of every type and odd sizes agree with float64") {
  constexpr std::int64_t kShapes[][3] = {{1, 1, 1},      {3, 5, 7}, {64, 576, 192},
                                         {1, 576, 1536}, {0, 8, 4}, {9, 1, 3}};
  for (const at::ScalarType x_type : {at::kFloat, at::kBFloat16}) {
    for (const at::ScalarType w_type : {at::kFloat, at::kBFloat16}) {
      for (const auto& [n, in, out] : kShapes) {
        const at::Tensor x = random_tensor({n, in}, x_type, 1);
        const at::Tensor w = random_tensor({out, in}, w_type, 2);
        const at::Tensor dy = random_tensor({n, out}, x_type, 3);
        const auto exact = [](const at::Tensor& t) { return t.to(at::kDouble); };
        CHECK(lore::matmul_nt(x, w).scalar_type() == x_type);
        CHECK(relative_difference(lore::matmul_nt(x, w), exact(x).mm(exact(w).t())) <= tolerance(x_type));
        CHECK(relative_difference(lore::matmul_nn(dy, w), exact(dy).mm(exact(w))) <= tolerance(x_type));
        const bool wide = x_type == at::kFloat || w_type == at::kFloat;
        const at::Tensor b = random_tensor({n, in}, w_type, 4);
        CHECK(relative_difference(lore::matmul_tn(dy, b), exact(dy).t().mm(exact(b))) <=
              tolerance(wide ? at::kFloat : at::kBFloat16));
      }
    }
  }
}

TEST_CASE("a weight of more than one panel gives the same product") {
  const at::Tensor x = random_tensor({9, 4096}, at::kBFloat16, 1);
  const at::Tensor w = random_tensor({5000, 4096}, at::kBFloat16, 2);
  CHECK(relative_difference(lore::matmul_nt(x, w), x.to(at::kDouble).mm(w.to(at::kDouble).t())) <= 6e-3);
  const at::Tensor dy = random_tensor({9, 5000}, at::kBFloat16, 3);
  CHECK(relative_difference(lore::matmul_nn(dy, w), dy.to(at::kDouble).mm(w.to(at::kDouble))) <= 6e-3);
}

TEST_CASE("shapes that do not fit are an internal error, not a wrong product") {
  CHECK_THROWS_AS(lore::matmul_nt(at::zeros({2, 3}), at::zeros({4, 5})), lore::Error);
}

TEST_CASE("products are the same bytes for any number of threads") {
  const int before = lore::threads();
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (const auto& [n, in, out] : {std::array{8, 4096, 32}, {300, 576, 1536}, {64, 3000, 7}}) {
      const at::Tensor x = random_tensor({n, in}, type, 1);
      const at::Tensor w = random_tensor({out, in}, type, 2);
      const at::Tensor dy = random_tensor({n, out}, type, 3);
      lore::set_threads(1);
      const at::Tensor y = lore::matmul_nt(x, w);
      const at::Tensor dx = lore::matmul_nn(dy, w);
      const at::Tensor dw = lore::matmul_tn(dy, x);
      for (const int threads : {2, 3}) {
        lore::set_threads(threads);
        INFO(n << " x " << in << " x " << out << ", " << threads << " threads");
        CHECK(at::equal(lore::matmul_nt(x, w), y));
        CHECK(at::equal(lore::matmul_nn(dy, w), dx));
        CHECK(at::equal(lore::matmul_tn(dy, x), dw));
      }
    }
  }
  lore::set_threads(before);
}
