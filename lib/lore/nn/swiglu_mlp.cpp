#include "lore/nn/swiglu_mlp.h"

#include "lore/kernels/swiglu.h"

namespace lore {

at::Tensor SwigluMlp::forward(const at::Tensor& x, const ForwardPass& pass, Saved* saved) const {
  const at::Tensor gate =
      gate_proj.forward(x, pass.adapters, pass.dropout, saved ? &saved->gate_proj : nullptr);
  const at::Tensor up = up_proj.forward(x, pass.adapters, pass.dropout, saved ? &saved->up_proj : nullptr);
  if (saved != nullptr) {
    saved->gate = gate;
    saved->up = up;
  }
  return down_proj.forward(swiglu(gate, up), pass.adapters, pass.dropout,
                           saved ? &saved->down_proj : nullptr);
}

at::Tensor SwigluMlp::backward(const at::Tensor& dy, const at::Tensor& x, Saved& saved,
                               const ForwardPass& pass, GradientSink& sink, bool want_dx) const {
  const bool want_dh = want_dx || gate_proj.is_trained(pass.adapters) || up_proj.is_trained(pass.adapters);
  // The product silu(gate) * up is recomputed only where down_proj's adapter needs its input.
  const at::Tensor h = down_proj.needs_input(pass.adapters) ? swiglu(saved.gate, saved.up) : at::Tensor();
  at::Tensor dh;
  down_proj.backward(dy, h, saved.down_proj, pass.adapters, pass.dropout, sink, want_dh ? &dh : nullptr);
  at::Tensor dx;
  if (!want_dh) {
    return dx;
  }
  swiglu_backward(dh, saved.gate, saved.up, saved.gate, saved.up);
  at::Tensor* target = want_dx ? &dx : nullptr;
  gate_proj.backward(saved.gate, x, saved.gate_proj, pass.adapters, pass.dropout, sink, target);
  up_proj.backward(saved.up, x, saved.up_proj, pass.adapters, pass.dropout, sink, target);
  return dx;
}

bool SwigluMlp::is_trained(const AdapterSet& adapters) const {
  return gate_proj.is_trained(adapters) || up_proj.is_trained(adapters) || down_proj.is_trained(adapters);
}

}  // namespace lore
