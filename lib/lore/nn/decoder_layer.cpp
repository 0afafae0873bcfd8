#include "lore/nn/decoder_layer.h"

#include <ATen/ops/add.h>

#include "lore/kernels/swiglu.h"

namespace lore {

at::Tensor DecoderLayer::forward(const at::Tensor& hidden, const ForwardPass& pass, Saved* saved) const {
  const RmsNormResult attention_input = input_layernorm.forward(hidden, pass.adapters);
  at::Tensor middle = self_attn.forward(attention_input.y, pass, saved ? &saved->self_attn : nullptr);
  middle.add_(hidden);
  const RmsNormResult mlp_input = post_attention_layernorm.forward(middle, pass.adapters);
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
  const AdapterSet& adapters = pass.adapters;
  const bool trains_input_norm = input_layernorm.is_trained(adapters);
  const bool want_middle = want_dx || trains_input_norm || self_attn.is_trained(adapters);
  {
    // The normalised input is recomputed: it costs one pass over memory and saves keeping it.
    const at::Tensor x = post_attention_layernorm.forward(saved.after_attention, adapters).y;
    const bool trains_norm = post_attention_layernorm.is_trained(adapters);
    const at::Tensor dx = mlp.backward(dhidden, x, saved.mlp, pass, sink, want_middle || trains_norm);
    if (!want_middle) {
      if (trains_norm) {
        post_attention_layernorm.backward_weight(dx, saved.after_attention, saved.mlp_rstd, adapters, sink);
      }
      return;
    }
    post_attention_layernorm.backward_add(dhidden, dx, saved.after_attention, saved.mlp_rstd, adapters, sink);
  }
  const at::Tensor x = input_layernorm.forward(saved.input, adapters).y;
  const at::Tensor dx =
      self_attn.backward(dhidden, x, saved.self_attn, pass, sink, want_dx || trains_input_norm);
  if (want_dx) {
    input_layernorm.backward_add(dhidden, dx, saved.input, saved.input_rstd, adapters, sink);
  } else if (trains_input_norm) {
    input_layernorm.backward_weight(dx, saved.input, saved.input_rstd, adapters, sink);
  }
}

DecoderLayer::Inputs DecoderLayer::inputs(const Saved& saved, const AdapterSet& adapters) const {
  return {input_layernorm.forward(saved.input, adapters).y,
          saved.self_attn.attention.out.view({saved.input.size(0), -1}),
          post_attention_layernorm.forward(saved.after_attention, adapters).y,
          swiglu(saved.mlp.gate, saved.mlp.up)};
}

bool DecoderLayer::is_trained(const AdapterSet& adapters) const {
  return input_layernorm.is_trained(adapters) || self_attn.is_trained(adapters) ||
         post_attention_layernorm.is_trained(adapters) || mlp.is_trained(adapters);
}

}  // namespace lore
