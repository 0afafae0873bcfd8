#pragma once

#include <array>

#include "lore/nn/self_attention.h"
#include "lore/nn/swiglu_mlp.h"

namespace lore {

/// One pre-norm transformer layer: h += attention(norm(h)); h += mlp(norm(h)).
struct DecoderLayer {
  Norm input_layernorm;
  Norm post_attention_layernorm;
  SelfAttention self_attn;
  SwigluMlp mlp;

  /// In the order of their indices.
  std::array<const Linear*, 7> linears() const {
    return {&self_attn.q_proj, &self_attn.k_proj, &self_attn.v_proj, &self_attn.o_proj,
            &mlp.gate_proj,    &mlp.up_proj,      &mlp.down_proj};
  }

  struct Saved {
    at::Tensor input;            ///< [N, D] hidden states entering the layer
    at::Tensor after_attention;  ///< [N, D] hidden states between the two blocks
    at::Tensor input_rstd;       ///< [N] fp32
    at::Tensor mlp_rstd;         ///< [N] fp32
    SelfAttention::Saved self_attn;
    SwigluMlp::Saved mlp;
  };

  /// What the linears had as their inputs [N, *].
  struct Inputs {
    at::Tensor attention;  ///< of q_proj, k_proj and v_proj
    at::Tensor o_proj;
    at::Tensor mlp;  ///< of gate_proj and up_proj
    at::Tensor down_proj;
  };

  /// hidden [N, D] -> [N, D].
  at::Tensor forward(const at::Tensor& hidden, const ForwardPass& pass, Saved* saved) const;

  /// Turns `dhidden` [N, D], the gradient of the output, into that of the input, in place.
  /// With `want_dx` false it stops once what the layer trains has its gradients.
  void backward(at::Tensor& dhidden, Saved& saved, const ForwardPass& pass, GradientSink& sink,
                bool want_dx) const;

  /// Those of the forward that left `saved`, recomputed where they were not kept.
  Inputs inputs(const Saved& saved, const AdapterSet& adapters) const;

  bool is_trained(const AdapterSet& adapters) const;
};

}  // namespace lore
