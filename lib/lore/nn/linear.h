#pragma once

#include <optional>
#include <string>

#include "lore/nn/base_weight.h"
#include "lore/nn/low_rank.h"

namespace lore {

/// y = x W^T + bias, plus the low-rank update of whatever adapter it is called with; W and bias are the
/// adapter's where it brings them whole.
struct Linear {
  std::string name;   ///< "model.layers.0.self_attn.q_proj"
  std::size_t index;  ///< place in the model's list of linears, and in an AdapterSet
  BaseWeight weight;
  at::Tensor bias;  ///< [out] or undefined

  /// What backward needs besides the input, undefined without adapter.
  struct Saved {
    at::Tensor u;  ///< [N, r] scale * dropout(x) A^T
    at::Tensor v;  ///< [N, out] dropout(x) (W + scale B A)^T, with a magnitude alone
  };

  /// x [N, in] -> y [N, out].
  at::Tensor forward(const at::Tensor& x, const AdapterSet& adapters, std::optional<DropoutKey> dropout,
                     Saved* saved) const;

  /// Hands the adapter's gradients to `sink` and adds the gradient of x into `dx` when `dx` is given
  /// (an undefined tensor is assigned). `x` is the input that forward had.
  void backward(const at::Tensor& dy, const at::Tensor& x, const Saved& saved, const AdapterSet& adapters,
                std::optional<DropoutKey> dropout, GradientSink& sink, at::Tensor* dx) const;

  /// Whether `backward` has anything for its sink.
  bool is_trained(const AdapterSet& adapters) const;
  /// Whether `backward` looks at its `x`.
  bool needs_input(const AdapterSet& adapters) const;

 private:
  BaseWeight weight_in(const AdapterSet& adapters) const;
  at::Tensor bias_in(const AdapterSet& adapters) const;
};

}  // namespace lore
