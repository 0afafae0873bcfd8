#include "lore/adapters/update_norms.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/outer.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace lore {
namespace {

double total(const at::Tensor& values) { return values.sum().item<double>(); }

double norm_of(const at::Tensor& matrix) { return std::sqrt(total(matrix.square())); }

/// The triangular factor of a thin QR decomposition, [min(rows, columns), columns].
at::Tensor triangle(const at::Tensor& matrix) { return std::get<1>(at::linalg_qr(matrix, "r")); }

}  // namespace

UpdateNorms measure_update(const at::Tensor& a, const at::Tensor& b, double scale) {
  const at::Tensor wide_a = a.to(at::kDouble);
  const at::Tensor wide_b = b.to(at::kDouble);
  UpdateNorms norms;
  norms.a = norm_of(wide_a);
  norms.b = norm_of(wide_b);
  if (norms.a == 0 || norms.b == 0 || scale == 0) {
    return norms;
  }
  const at::Tensor gram_a = at::matmul(wide_a, wide_a.t());
  const at::Tensor gram_b = at::matmul(wide_b.t(), wide_b);
  // With gram_a = V L Vᵀ the squared singular values of B·A are the eigenvalues of L^½ Vᵀ gram_b V L^½.
  const auto [values, vectors] = at::linalg_eigh(gram_a);
  const at::Tensor roots = values.clamp_min(0).sqrt();
  const at::Tensor inner = at::matmul(at::matmul(vectors.t(), gram_b), vectors) * at::outer(roots, roots);
  const at::Tensor singular = at::linalg_eigvalsh(inner).clamp_min(0).sqrt();
  norms.frobenius = std::abs(scale) * std::sqrt(std::max(0.0, total(gram_a * gram_b)));
  norms.spectral = std::abs(scale) * singular.max().item<double>();
  const double sum = total(singular);
  if (sum > 0) {
    const at::Tensor shares = singular / sum;
    norms.effective_rank = std::exp(-total(shares.xlogy(shares)));
  }
  return norms;
}

double UpdateDifference::relative() const {
  if (difference == 0) {
    return 0;
  }
  return norm_a > 0 ? difference / norm_a : std::numeric_limits<double>::infinity();
}

UpdateDifference compare_updates(const at::Tensor& a_a, const at::Tensor& b_a, double scale_a,
                                 const at::Tensor& a_b, const at::Tensor& b_b, double scale_b) {
  const std::int64_t rank_a = a_a.size(0);
  // [Ba Bb] = Qb Rb and [Aa; Ab]ᵀ = Qa Ra, so Ba Aa = Qb (Rb's first columns)(Ra's first columns)ᵀ Qaᵀ,
  // and norms are those of the small product.
  const at::Tensor right = triangle(at::cat({a_a.to(at::kDouble), a_b.to(at::kDouble)}).t());
  const at::Tensor left = triangle(at::cat({b_a.to(at::kDouble), b_b.to(at::kDouble)}, 1));
  const auto part = [&](std::int64_t first, std::int64_t count, double scale) {
    return at::matmul(left.narrow(1, first, count), right.narrow(1, first, count).t()) * scale;
  };
  const at::Tensor update_a = part(0, rank_a, scale_a);
  const at::Tensor update_b = part(rank_a, a_b.size(0), scale_b);
  UpdateDifference result;
  result.norm_a = norm_of(update_a);
  result.norm_b = norm_of(update_b);
  const bool same = scale_a == scale_b && a_a.sizes() == a_b.sizes() &&
                    a_a.to(at::kDouble).equal(a_b.to(at::kDouble)) &&
                    b_a.to(at::kDouble).equal(b_b.to(at::kDouble));
  result.difference = same ? 0 : norm_of(update_a - update_b);
  if (result.norm_a > 0 && result.norm_b > 0) {
    result.cosine = std::clamp(total(update_a * update_b) / (result.norm_a * result.norm_b), -1.0, 1.0);
  }
  return result;
}

}  // namespace lore
