#include "lore/nn/decoder_layer.h"

#include <ATen/ops/add.h>

#include "lore/kernels/rms_norm.h"

namespace lore {

at::Tensor DecoderLayer::forward(const at::Tensor& hidden, const ForwardPass& pass, Saved* saved) const {
  const RmsNormResult attention_input = rms_norm(hidden, input_layernorm, rms_norm_eps);
  at::Tensor middle = self_attn.forward(attention_input.y, pass, saved ? &saved->self_attn : nullptr);
  middle.add_(hidden);
  const RmsNormResult mlp_input = rms_norm(middle, post_attention_layernorm, rms_norm_eps);
  at::Tensor out = mlp.forward(mlp_input.y, pass, saved ? &saved->mlp : nullptr);
  out.add_(middle);
  if (saved != nullptr) {
    saved->input = hidden;
    saved->after_attention = middle;
    saved->input_rstd = attention_input.rstd;
    saved->mlp_rstd = mlp_input.rstd;
  }
  return out;
}

void DecoderLayer::backward(at::Tensor& dhidden, Saved& saved, const ForwardPass& pass, GradientSink& sink,
                            bool want_dx) const {
  const bool want_middle = want_dx || self_attn.has_adapter(pass.adapters);
  {
    // The normalised input is recomputed: it costs one pass over memory and saves keeping it.
    const at::Tensor x = rms_norm(saved.after_attention, post_attention_layernorm, rms_norm_eps).y;
    const at::Tensor dx = mlp.backward(dhidden, x, saved.mlp, pass, sink, want_middle);
    if (!want_middle) {
      return;
    }
    rms_norm_backward_add(dhidden, dx, saved.after_attention, post_attention_layernorm, saved.mlp_rstd);
  }
  const at::Tensor x = rms_norm(saved.input, input_layernorm, rms_norm_eps).y;
  const at::Tensor dx = self_attn.backward(dhidden, x, saved.self_attn, pass, sink, want_dx);
  if (want_dx) {
    rms_norm_backward_add(dhidden, dx, saved.input, input_layernorm, saved.input_rstd);
  }
}

}  // namespace lore
