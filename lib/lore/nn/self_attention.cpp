#include "lore/nn/self_attention.h"

#include <cmath>
#include <vector>

#include "lore/kernels/rope.h"

namespace lore {
namespace {

/// RMSNorm over the last dimension of x [N, H, d].
at::Tensor head_norm(const at::Tensor& x, const Norm& norm, const AdapterSet& adapters,
                     SelfAttention::HeadNormSaved* saved) {
  const at::Tensor rows = x.view({-1, x.size(2)});
  RmsNormResult result = norm.forward(rows, adapters);
  if (saved != nullptr) {
    *saved = {rows, result.rstd};
  }
  return result.y.view(x.sizes());
}

at::Tensor head_norm_backward(const at::Tensor& dy, const Norm& norm,
                              const SelfAttention::HeadNormSaved& saved, const AdapterSet& adapters,
                              GradientSink& sink) {
  return norm.backward(dy.view(saved.input.sizes()), saved.input, saved.rstd, adapters, sink)
      .view(dy.sizes());
}

}  // namespace

at::Tensor SelfAttention::forward(const at::Tensor& x, const ForwardPass& pass, Saved* saved) const {
  const std::int64_t n = x.size(0);
  at::Tensor q = q_proj.forward(x, pass.adapters, pass.dropout, saved ? &saved->q_proj : nullptr)
                     .view({n, num_heads, head_dim});
  at::Tensor k = k_proj.forward(x, pass.adapters, pass.dropout, saved ? &saved->k_proj : nullptr)
                     .view({n, num_key_value_heads, head_dim});
  const at::Tensor v = v_proj.forward(x, pass.adapters, pass.dropout, saved ? &saved->v_proj : nullptr)
                           .view({n, num_key_value_heads, head_dim});
  if (q_norm) {
    q = head_norm(q, *q_norm, pass.adapters, saved ? &saved->q_norm : nullptr);
    k = head_norm(k, *k_norm, pass.adapters, saved ? &saved->k_norm : nullptr);
  }
  rope_inplace(q, pass.rope.cos, pass.rope.sin, /*inverse=*/false);
  rope_inplace(k, pass.rope.cos, pass.rope.sin, /*inverse=*/false);
  const double scale = 1.0 / std::sqrt(static_cast<double>(head_dim));
  at::Tensor out;
  if (!pass.caches.empty()) {
    std::vector<CachedKeyValues*> caches;
    for (KvCache* cache : pass.caches) {
      caches.push_back(&cache->layer(layer));
    }
    out = attention_cached(q, k, v, pass.segments, caches, window, scale);
  } else {
    AttentionResult result = attention(q, k, v, pass.segments, window, scale);
    out = result.out;
    if (saved != nullptr) {
      saved->q = q;
      saved->k = k;
      saved->v = v;
      saved->attention = std::move(result);
    }
  }
  return o_proj.forward(out.view({n, num_heads * head_dim}), pass.adapters, pass.dropout,
                        saved ? &saved->o_proj : nullptr);
}

at::Tensor SelfAttention::backward(const at::Tensor& dy, const at::Tensor& x, const Saved& saved,
                                   const ForwardPass& pass, GradientSink& sink, bool want_dx) const {
  const std::int64_t n = x.size(0);
  const bool want_qkv = want_dx || trains_inputs(pass.adapters);
  at::Tensor dout;
  o_proj.backward(dy, saved.attention.out.view({n, num_heads * head_dim}), saved.o_proj, pass.adapters,
                  pass.dropout, sink, want_qkv ? &dout : nullptr);
  at::Tensor dx;
  if (!want_qkv) {
    return dx;
  }
  const double scale = 1.0 / std::sqrt(static_cast<double>(head_dim));
  AttentionGradients gradients = attention_backward(dout.view({n, num_heads, head_dim}), saved.q, saved.k,
                                                    saved.v, saved.attention, pass.segments, window, scale);
  rope_inplace(gradients.dq, pass.rope.cos, pass.rope.sin, /*inverse=*/true);
  rope_inplace(gradients.dk, pass.rope.cos, pass.rope.sin, /*inverse=*/true);
  if (q_norm) {
    gradients.dq = head_norm_backward(gradients.dq, *q_norm, saved.q_norm, pass.adapters, sink);
    gradients.dk = head_norm_backward(gradients.dk, *k_norm, saved.k_norm, pass.adapters, sink);
  }
  at::Tensor* target = want_dx ? &dx : nullptr;
  q_proj.backward(gradients.dq.view({n, -1}), x, saved.q_proj, pass.adapters, pass.dropout, sink, target);
  k_proj.backward(gradients.dk.view({n, -1}), x, saved.k_proj, pass.adapters, pass.dropout, sink, target);
  v_proj.backward(gradients.dv.view({n, -1}), x, saved.v_proj, pass.adapters, pass.dropout, sink, target);
  return dx;
}

bool SelfAttention::is_trained(const AdapterSet& adapters) const {
  return o_proj.is_trained(adapters) || trains_inputs(adapters);
}

bool SelfAttention::trains_inputs(const AdapterSet& adapters) const {
  const bool trains_norm = q_norm && (q_norm->is_trained(adapters) || k_norm->is_trained(adapters));
  return trains_norm || q_proj.is_trained(adapters) || k_proj.is_trained(adapters) ||
         v_proj.is_trained(adapters);
}

}  // namespace lore
