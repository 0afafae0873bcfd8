#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace lore {

/// A label that is not trained.
constexpr std::int32_t kIgnoredLabel = -100;

/// What linear_cross_entropy returns.
struct LinearCrossEntropyResult {
  double loss_sum = 0;     ///< sum of -log p(label) over trained rows, in nats
  std::int64_t count = 0;  ///< trained rows
  at::Tensor dhidden;  ///< [N, D], hidden's type: gradient of loss_sum·grad_scale; undefined if not wanted
};

/// The output layer as the loss sees it, for some rows at a time.
class LogitLayer {
 public:
  virtual ~LogitLayer() = default;

  virtual std::int64_t vocabulary() const = 0;
  /// Hidden states x [n, D] -> logits [n, V] of x's type.
  virtual at::Tensor forward(const at::Tensor& x) = 0;
  /// The gradient of x that the latest `forward` had, from that of its logits [n, V] in x's type.
  virtual at::Tensor backward(const at::Tensor& dlogits) = 0;
};

/// Cross-entropy of softmax(hidden·wᵀ) against labels, without ever holding the [N, V] logits.
/// hidden [N, D], w [V, D] frozen, labels[i] the target of row i (already shifted) or kIgnoredLabel.
/// Only trained rows get logits, in chunks of at most 64 MiB; the gradient is made in the same pass.
/// Logits are rounded to hidden's type, as transformers computes them, and the softmax is float32.
/// Throws: Error(kInternal) on shapes, types or strides that do not match, or a label outside [0, V).
LinearCrossEntropyResult linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& w,
                                              const std::vector<std::int32_t>& labels, double grad_scale,
                                              bool want_gradient);
/// The same for any layer that gives logits.
LinearCrossEntropyResult linear_cross_entropy(const at::Tensor& hidden, LogitLayer& layer,
                                              const std::vector<std::int32_t>& labels, double grad_scale,
                                              bool want_gradient);

}  // namespace lore
