#pragma once

#include "lore/kernels/attention.h"
#include "lore/nn/forward_pass.h"
#include "lore/nn/linear.h"
#include "lore/nn/norm.h"

namespace lore {

/// Grouped-query self-attention with rotary positions (Ainslie et al., arXiv:2305.13245).
struct SelfAttention {
  Linear q_proj;
  Linear k_proj;
  Linear v_proj;
  Linear o_proj;
  std::optional<Norm> q_norm;  ///< the per-head RMSNorm of Qwen3
  std::optional<Norm> k_norm;
  std::size_t layer = 0;
  std::int64_t num_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t window = 0;  ///< sliding window in tokens, 0 = none

  /// A q or k before its per-head norm, kept for the backward.
  struct HeadNormSaved {
    at::Tensor input;
    at::Tensor rstd;
  };
  struct Saved {
    Linear::Saved q_proj, k_proj, v_proj, o_proj;
    HeadNormSaved q_norm, k_norm;
    at::Tensor q, k, v;  ///< [N, H or K, d] after RoPE
    AttentionResult attention;
  };

  /// x [N, D] (normalised hidden states) -> [N, D].
  at::Tensor forward(const at::Tensor& x, const ForwardPass& pass, Saved* saved) const;

  /// The gradient of x [N, D], undefined unless `want_dx`; gradients of what is trained go to `sink`.
  at::Tensor backward(const at::Tensor& dy, const at::Tensor& x, const Saved& saved, const ForwardPass& pass,
                      GradientSink& sink, bool want_dx) const;

  bool is_trained(const AdapterSet& adapters) const;

 private:
  /// Whether anything before the scores is trained.
  bool trains_inputs(const AdapterSet& adapters) const;
};

}  // namespace lore
