#pragma once

#include <string>

#include "lore/kernels/rms_norm.h"
#include "lore/nn/low_rank.h"

namespace lore {

/// RMSNorm over rows, with the weight of whatever adapter brings one.
struct Norm {
  std::string name;   ///< "model.layers.0.input_layernorm"
  at::Tensor weight;  ///< [d]
  double eps = 1e-6;

  RmsNormResult forward(const at::Tensor& x, const AdapterSet& adapters) const;

  /// Hands the weight's gradient to `sink` where the weight is trained. dy and x [N, d].
  void backward_weight(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd,
                       const AdapterSet& adapters, GradientSink& sink) const;
  /// The gradient of x [N, d], and the weight's as backward_weight.
  at::Tensor backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd,
                      const AdapterSet& adapters, GradientSink& sink) const;
  /// Adds the gradient of x to `dresidual`, and the weight's as backward_weight.
  void backward_add(at::Tensor& dresidual, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd,
                    const AdapterSet& adapters, GradientSink& sink) const;

  bool is_trained(const AdapterSet& adapters) const {
    return adapters.full().find(name, "weight") != nullptr;
  }

 private:
  const at::Tensor& weight_in(const AdapterSet& adapters) const;
};

}  // namespace lore
