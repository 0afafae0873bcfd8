#pragma once

#include <ATen/core/Tensor.h>

namespace lore {

/// The size of one module's update D = scale·B·A.
struct UpdateNorms {
  double frobenius = 0;  ///< ||D||_F
  double spectral = 0;   ///< the largest singular value of D
  /// exp of the entropy of the singular values taken as shares of their sum: between 1 and the rank, 0 for an
  /// update of zeros. Source: Roy and Vetterli, "The effective rank", EUSIPCO 2007.
  double effective_rank = 0;
  double a = 0;  ///< ||A||_F
  double b = 0;  ///< ||B||_F
};

/// Norms of scale·B·A from its factors, A [r, in] and B [out, r] of any float type, in float64. D itself is
/// never made: its singular values are those of an r x r matrix made of A·Aᵀ and Bᵀ·B.
UpdateNorms measure_update(const at::Tensor& a, const at::Tensor& b, double scale);

/// How two updates of one module differ.
struct UpdateDifference {
  double norm_a = 0;      ///< ||Da||_F
  double norm_b = 0;      ///< ||Db||_F
  double difference = 0;  ///< ||Da - Db||_F
  double cosine = 0;      ///< of the angle between the two; 0 where one is zero

  /// ||Da - Db|| / ||Da||; infinite for a change of nothing into something.
  double relative() const;
};

/// Compares scale_a·Ba·Aa with scale_b·Bb·Ab from their factors, whose ranks may differ, by QR of the factors
/// side by side in float64, which stays exact where the two are nearly the same.
UpdateDifference compare_updates(const at::Tensor& a_a, const at::Tensor& b_a, double scale_a,
                                 const at::Tensor& a_b, const at::Tensor& b_b, double scale_b);

}  // namespace lore
