#include "lore/nn/norm.h"

#include <ATen/TensorOperators.h>

namespace lore {

const at::Tensor& Norm::weight_in(const AdapterSet& adapters) const {
  const FullParameter* own = adapters.full().find(name, "weight");
  return own != nullptr ? own->compute : weight;
}

RmsNormResult Norm::forward(const at::Tensor& x, const AdapterSet& adapters) const {
  return rms_norm(x, weight_in(adapters), eps);
}

void Norm::backward_weight(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd,
                           const AdapterSet& adapters, GradientSink& sink) const {
  if (const FullParameter* own = adapters.full().find(name, "weight")) {
    // The weight was multiplied with the normalised value as rounded to x's type.
    const at::Tensor normal = (x.to(at::kFloat) * rstd.unsqueeze(1)).to(x.scalar_type()).to(at::kFloat);
    sink.accumulate(*own, {{}, dy.to(at::kFloat) * normal});
  }
}

at::Tensor Norm::backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd,
                          const AdapterSet& adapters, GradientSink& sink) const {
  backward_weight(dy, x, rstd, adapters, sink);
  return rms_norm_backward(dy, x, weight_in(adapters), rstd);
}

void Norm::backward_add(at::Tensor& dresidual, const at::Tensor& dy, const at::Tensor& x,
                        const at::Tensor& rstd, const AdapterSet& adapters, GradientSink& sink) const {
  backward_weight(dy, x, rstd, adapters, sink);
  rms_norm_backward_add(dresidual, dy, x, weight_in(adapters), rstd);
}

}  // namespace lore
