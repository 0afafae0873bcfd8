#include "lore/adapters/truncated_svd.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

#include "lore/core/philox.h"
#include "support/catch.h"

namespace {

at::Tensor normal(std::int64_t rows, std::int64_t columns, std::uint64_t stream) {
  lore::PhiloxStream random(11, stream);
  at::Tensor result = at::empty({rows, columns}, at::kFloat);
  std::generate_n(result.data_ptr<float>(), result.numel(), [&] { return random.normal(); });
  return result;
}

double frobenius(const at::Tensor& matrix) { return matrix.to(at::kDouble).norm().item<double>(); }

at::Tensor minus(const at::Tensor& first, const at::Tensor& second) { return first.sub(second); }

at::Tensor product(const lore::TruncatedSvd& svd) { return at::mm(svd.u.mul(svd.s), svd.vt); }

double orthonormality(const at::Tensor& columns) {
  return at::mm(columns.t(), columns).sub(at::eye(columns.size(1))).abs().max().item<double>();
}

/// The smallest error that any matrix of the rank has.
double best_error(const at::Tensor& matrix, std::int64_t rank) {
  const at::Tensor s = std::get<1>(at::linalg_svd(matrix.to(at::kDouble), false));
  return s.narrow(0, rank, s.size(0) - rank).norm().item<double>();
}

}  // namespace

TEST_CASE("a small matrix gets the singular triplets of LAPACK") {
  const at::Tensor matrix = normal(40, 25, 0);
  const lore::TruncatedSvd svd = lore::truncated_svd(matrix, 6);
  CHECK(svd.s.size(0) == 6);
  CHECK(frobenius(minus(matrix, product(svd))) == Approx(best_error(matrix, 6)).epsilon(1e-5));
  CHECK(orthonormality(svd.u) < 1e-5);
  CHECK(orthonormality(svd.vt.t()) < 1e-5);
}

TEST_CASE("a rank above the matrix's own gives all of it") {
  const at::Tensor matrix = normal(7, 12, 1);
  const lore::TruncatedSvd svd = lore::truncated_svd(matrix, 50);
  CHECK(svd.s.size(0) == 7);
  CHECK(frobenius(minus(matrix, product(svd))) < 1e-4);
}

TEST_CASE("the randomized method is exact for a matrix of low rank, tall or wide") {
  for (const auto& [rows, columns] : {std::pair{500, 300}, std::pair{300, 500}}) {
    const at::Tensor matrix = at::mm(normal(rows, 12, 2), normal(12, columns, 3));
    const lore::TruncatedSvd svd = lore::randomized_svd(matrix, 12);
    CHECK(frobenius(minus(matrix, product(svd))) < 1e-4 * frobenius(matrix));
    CHECK(orthonormality(svd.u) < 1e-4);
    CHECK(orthonormality(svd.vt.t()) < 1e-4);
    const lore::TruncatedSvd cut = lore::randomized_svd(matrix, 5);
    CHECK(frobenius(minus(matrix, product(cut))) == Approx(best_error(matrix, 5)).epsilon(1e-4));
  }
}

TEST_CASE("the randomized method comes within its stated error of the best for spectra that hardly fall") {
  const at::Tensor flat = normal(600, 400, 4);
  const at::Tensor u = std::get<0>(at::linalg_qr(normal(600, 400, 5)));
  const at::Tensor v = std::get<0>(at::linalg_qr(normal(400, 400, 6)));
  const at::Tensor slow = at::mm(u.div(at::arange(1, 401).to(at::kFloat).sqrt()), v.t());
  for (const at::Tensor& matrix : {flat, slow}) {
    for (const std::int64_t rank : {1, 8, 32}) {
      const double best = best_error(matrix, rank);
      const double error = frobenius(minus(matrix, product(lore::randomized_svd(matrix, rank))));
      CHECK(error >= best * (1 - 1e-5));
      CHECK(error <= best * 1.003);
    }
  }
}

TEST_CASE("the SVD from factors is that of their product, scale and all") {
  lore::LowRank low_rank;
  low_rank.a = normal(6, 30, 7);
  low_rank.b = normal(50, 6, 8);
  low_rank.scale = -0.25;
  const at::Tensor matrix = at::mm(low_rank.b, low_rank.a).mul(low_rank.scale);
  CHECK(frobenius(minus(matrix, product(lore::factored_svd(low_rank, 6)))) < 1e-5 * frobenius(matrix));
  CHECK(frobenius(minus(matrix, product(lore::factored_svd(low_rank, 2)))) ==
        Approx(best_error(matrix, 2)).epsilon(1e-5));
}

TEST_CASE("factors of a rank above the matrix's size are reduced to it") {
  lore::LowRank low_rank;
  low_rank.a = normal(9, 5, 9);
  low_rank.b = normal(4, 9, 10);
  const lore::TruncatedSvd svd = lore::factored_svd(low_rank, 9);
  CHECK(svd.s.size(0) == 4);
  CHECK(frobenius(minus(at::mm(low_rank.b, low_rank.a), product(svd))) < 1e-5);
}
