#pragma once

#include "lore/nn/forward_pass.h"
#include "lore/nn/linear.h"

namespace lore {

/// down(silu(gate(x)) * up(x)): the SwiGLU feed-forward block (Shazeer, arXiv:2002.05202).
struct SwigluMlp {
  Linear gate_proj;
  Linear up_proj;
  Linear down_proj;

  struct Saved {
    Linear::Saved gate_proj, up_proj, down_proj;
    at::Tensor gate, up;  ///< [N, F] before the activation
  };

  /// x [N, D] (normalised hidden states) -> [N, D].
  at::Tensor forward(const at::Tensor& x, const ForwardPass& pass, Saved* saved) const;

  /// The gradient of x [N, D], undefined unless `want_dx`. Overwrites the saved gate and up.
  at::Tensor backward(const at::Tensor& dy, const at::Tensor& x, Saved& saved, const ForwardPass& pass,
                      GradientSink& sink, bool want_dx) const;

  bool is_trained(const AdapterSet& adapters) const;
};

}  // namespace lore
