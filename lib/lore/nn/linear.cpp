#include "lore/nn/linear.h"

#include <ATen/ops/add.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/mul.h>

#include "lore/kernels/dropout.h"
#include "lore/kernels/matmul.h"

namespace lore {
namespace {

bool drops(const LowRank& low_rank, std::optional<DropoutKey> key) { return key && low_rank.dropout != 0.0; }

at::Tensor dropped(const at::Tensor& x, const LowRank& low_rank, std::optional<DropoutKey> key,
                   std::size_t index) {
  return drops(low_rank, key) ? dropout(x, low_rank.dropout, key->key, static_cast<std::uint32_t>(index)) : x;
}

}  // namespace

// With DoRA, g = magnitude / norm and v = dropout(x) (W + scale B A)^T:
//   y = x W^T + scale dropout(x) A^T B^T + (g - 1) v + bias
// The norm counts as a constant, as the paper has it.

at::Tensor Linear::forward(const at::Tensor& x, const AdapterSet& adapters,
                           std::optional<DropoutKey> dropout_key, Saved* saved) const {
  const LowRank* low_rank = adapters.find(index);
  const BaseWeight base = weight_in(adapters);
  const at::Tensor own_bias = bias_in(adapters);
  const bool is_dora = low_rank != nullptr && low_rank->is_dora();
  at::Tensor y = base.times(x);
  if (own_bias.defined() && !is_dora) {
    y.add_(own_bias);
  }
  if (low_rank != nullptr) {
    const at::Tensor input = dropped(x, *low_rank, dropout_key, index);
    at::Tensor u = matmul_nt(input, low_rank->a_compute);
    u.mul_(low_rank->scale);
    const at::Tensor update = matmul_nt(u, low_rank->b_compute);
    y.add_(update);
    at::Tensor v;
    if (is_dora) {
      v = drops(*low_rank, dropout_key) ? base.times(input).add_(update) : y;
      y = at::addcmul(y, v, low_rank->row_gain);
      if (own_bias.defined()) {
        y.add_(own_bias);
      }
    }
    if (saved != nullptr) {
      saved->u = std::move(u);
      saved->v = std::move(v);
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
  const LowRank* low_rank = adapters.find(index);
  const BaseWeight base = weight_in(adapters);
  at::Tensor dy_base = dy;
  if (low_rank != nullptr) {
    const bool is_dora = low_rank->is_dora();
    const at::Tensor dupdate = is_dora ? at::addcmul(dy, dy, low_rank->row_gain) : dy;
    at::Tensor du = matmul_nn(dupdate, low_rank->b_compute);
    du.mul_(low_rank->scale);
    sink.accumulate(
        index,
        {low_rank->trains_a ? dropped(x, *low_rank, dropout_key, index) : at::Tensor(), saved.u, dupdate, du,
         is_dora ? at::mul(dy.to(at::kFloat), saved.v).div_(low_rank->row_norms) : at::Tensor()});
    if (dx != nullptr) {
      at::Tensor through_dropout = matmul_nn(du, low_rank->a_compute);
      if (is_dora && drops(*low_rank, dropout_key)) {
        through_dropout.add_(base.times_transposed(at::mul(dy, low_rank->row_gain)));
      } else if (is_dora) {
        dy_base = dupdate;
      }
      add_to_dx(dropped(through_dropout, *low_rank, dropout_key, index));
    }
  }
  if (dx != nullptr) {
    add_to_dx(base.times_transposed(dy_base));
  }
}

bool Linear::is_trained(const AdapterSet& adapters) const {
  return needs_input(adapters) || adapters.full().find(name, "bias") != nullptr;
}

bool Linear::needs_input(const AdapterSet& adapters) const {
  return adapters.find(index) != nullptr || adapters.full().find(name, "weight") != nullptr;
}

BaseWeight Linear::weight_in(const AdapterSet& adapters) const {
  if (const FullParameter* own = adapters.full().find(name, "weight")) {
    return BaseWeight(own->compute);
  }
  const LowRank* low_rank = adapters.find(index);
  return low_rank != nullptr ? low_rank->base(weight) : weight;
}

at::Tensor Linear::bias_in(const AdapterSet& adapters) const {
  const FullParameter* own = adapters.full().find(name, "bias");
  return own != nullptr ? own->compute : bias;
}

}  // namespace lore
