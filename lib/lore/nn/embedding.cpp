#include "lore/nn/embedding.h"

#include <ATen/ops/index_select.h>

#include "lore/kernels/matmul.h"

namespace lore {
namespace {

/// u = scale * B[ids] [N, r].
at::Tensor scaled_rows(const LowRank& low_rank, const at::Tensor& ids) {
  return at::index_select(low_rank.b_compute, 0, ids).mul_(low_rank.scale);
}

}  // namespace

at::Tensor Embedding::forward(const at::Tensor& ids, const AdapterSet& adapters) const {
  const FullParameter* own = adapters.full().find(name, "weight");
  at::Tensor y = own != nullptr ? BaseWeight(own->compute).rows(ids) : weight.rows(ids);
  if (const LowRank* low_rank = adapters.find(index)) {
    y.add_(matmul_nn(scaled_rows(*low_rank, ids), low_rank->a_compute));
  }
  return y;
}

void Embedding::backward(const at::Tensor& dy, const at::Tensor& ids, const AdapterSet& adapters,
                         GradientSink& sink) const {
  if (const FullParameter* own = adapters.full().find(name, "weight")) {
    sink.accumulate(*own, {dy, ids});
  }
  if (const LowRank* low_rank = adapters.find(index)) {
    // As a linear whose output is the one-hot ids: dA = u^T dy and dB = onehot^T (scale * dy A^T).
    at::Tensor dv = matmul_nt(dy, low_rank->a_compute);
    dv.mul_(low_rank->scale);
    sink.accumulate(index, {low_rank->trains_a ? dy : at::Tensor(), dv, ids, scaled_rows(*low_rank, ids)});
  }
}

bool Embedding::is_trained(const AdapterSet& adapters) const {
  return adapters.find(index) != nullptr || adapters.full().find(name, "weight") != nullptr;
}

}  // namespace lore
