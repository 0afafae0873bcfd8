#include "lore/nn/linear.h"

#include <ATen/ops/add.h>

#include "lore/kernels/dropout.h"
#include "lore/kernels/matmul.h"

namespace lore {
namespace {

at::Tensor dropped(const at::Tensor& x, const LowRank& low_rank, std::optional<DropoutKey> key,
                   std::size_t index) {
  if (!key || low_rank.dropout == 0.0) {
    return x;
  }
  return dropout(x, low_rank.dropout, key->key, static_cast<std::uint32_t>(index));
}

}  // namespace

at::Tensor Linear::forward(const at::Tensor& x, const AdapterSet& adapters,
                           std::optional<DropoutKey> dropout_key, Saved* saved) const {
  at::Tensor y = weight_in(adapters).times(x);
  if (const at::Tensor own = bias_in(adapters); own.defined()) {
    y.add_(own);
  }
  if (const LowRank* low_rank = adapters.find(index)) {
    at::Tensor u = matmul_nt(dropped(x, *low_rank, dropout_key, index), low_rank->a_compute);
    u.mul_(low_rank->scale);
    y.add_(matmul_nt(u, low_rank->b_compute));
    if (saved != nullptr) {
      saved->u = std::move(u);
    }
  }
  return y;
}

void Linear::backward(const at::Tensor& dy, const at::Tensor& x, const Saved& saved,
                      const AdapterSet& adapters, std::optional<DropoutKey> dropout_key, GradientSink& sink,
                      at::Tensor* dx) const {
  const auto add_to_dx = [dx](at::Tensor gradient) {
    if (dx->defined()) {
      dx->add_(gradient);
    } else {
      *dx = std::move(gradient);
    }
  };
  if (const FullParameter* own = adapters.full().find(name, "weight")) {
    sink.accumulate(*own, {x, dy});
  }
  if (const FullParameter* own = adapters.full().find(name, "bias")) {
    sink.accumulate(*own, {{}, dy});
  }
  if (const LowRank* low_rank = adapters.find(index)) {
    at::Tensor du = matmul_nn(dy, low_rank->b_compute);
    du.mul_(low_rank->scale);
    sink.accumulate(index, {dropped(x, *low_rank, dropout_key, index), saved.u, dy, du});
    if (dx != nullptr) {
      add_to_dx(dropped(matmul_nn(du, low_rank->a_compute), *low_rank, dropout_key, index));
    }
  }
  if (dx != nullptr) {
    add_to_dx(weight_in(adapters).times_transposed(dy));
  }
}

bool Linear::is_trained(const AdapterSet& adapters) const {
  return needs_input(adapters) || adapters.full().find(name, "bias") != nullptr;
}

bool Linear::needs_input(const AdapterSet& adapters) const {
  return adapters.find(index) != nullptr || adapters.full().find(name, "weight") != nullptr;
}

BaseWeight Linear::weight_in(const AdapterSet& adapters) const {
  const FullParameter* own = adapters.full().find(name, "weight");
  return own != nullptr ? BaseWeight(own->compute) : weight;
}

at::Tensor Linear::bias_in(const AdapterSet& adapters) const {
  const FullParameter* own = adapters.full().find(name, "bias");
  return own != nullptr ? own->compute : bias;
}

}  // namespace lore
