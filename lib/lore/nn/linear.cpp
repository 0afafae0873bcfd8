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
  at::Tensor y = weight.times(x);
  if (bias.defined()) {
    y.add_(bias);
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
  if (const LowRank* low_rank = adapters.find(index)) {
    at::Tensor du = matmul_nn(dy, low_rank->b_compute);
    du.mul_(low_rank->scale);
    sink.accumulate(index, {dropped(x, *low_rank, dropout_key, index), saved.u, dy, du});
    if (dx != nullptr) {
      add_to_dx(dropped(matmul_nn(du, low_rank->a_compute), *low_rank, dropout_key, index));
    }
  }
  if (dx != nullptr) {
    add_to_dx(weight.times_transposed(dy));
  }
}

}  // namespace lore
