#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lore/core/segments.h"

namespace lore {

/// What attention returns.
struct AttentionResult {
  at::Tensor out;  ///< [N, H, d], q's type
  at::Tensor
      lse;  ///< [N, H] float32: log of the sum of exp(scaled score) over visible keys, for the backward
};

/// Causal softmax(scale·q·kᵀ)·v within each segment of a packed batch.
/// q [N, H, d], k and v [N, K, d]; query head h reads key head h / (H / K). Key j is visible to query i
/// of the same segment if j <= i and, where window > 0, i - j < window. Softmax and sums are float32;
/// no N×N matrix is made (Dao et al., arXiv:2205.14135).
/// Throws: Error(kInternal) on shapes, types or strides that do not match.
AttentionResult attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const Segments& segments, std::int64_t window, double scale);

/// What attention_backward returns, each of its input's shape and type.
struct AttentionGradients {
  at::Tensor dq;
  at::Tensor dk;
  at::Tensor dv;
};

/// The gradients of attention from dout [N, H, d]; the probabilities are computed again from lse.
AttentionGradients attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                      const at::Tensor& v, const AttentionResult& result,
                                      const Segments& segments, std::int64_t window, double scale);

}  // namespace lore
