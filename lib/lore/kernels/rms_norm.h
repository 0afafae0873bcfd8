#pragma once

#include <ATen/core/Tensor.h>

namespace lore {

/// What rms_norm returns.
struct RmsNormResult {
  at::Tensor y;     ///< [N, D], x's type
  at::Tensor rstd;  ///< [N] float32: 1 / sqrt(mean(x²) + eps), for the backward
};

/// y = weight · x / sqrt(mean(x²) + eps) over each row of x [N, D], weight [D] of x's type.
/// Statistics are float32; the normalised value is rounded to x's type before the weight, as
/// LlamaRMSNorm of transformers does. Source: Zhang and Sennrich, arXiv:1910.07467.
/// Throws: Error(kInternal) on shapes, types or strides that do not match.
RmsNormResult rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps);

/// dx [N, D] from dy [N, D]; the weight is frozen and has no gradient.
at::Tensor rms_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                             const at::Tensor& rstd);

/// dresidual += rms_norm_backward(dy, x, weight, rstd), added in float32 and rounded once.
void rms_norm_backward_add(at::Tensor& dresidual, const at::Tensor& dy, const at::Tensor& x,
                           const at::Tensor& weight, const at::Tensor& rstd);

}  // namespace lore
