#include "lore/adapters/low_rank_products.h"

#include <ATen/ops/mm.h>

namespace lore {

double inner_product(const LowRank& first, const LowRank& second) {
  const at::Tensor b = at::mm(first.b.t().to(at::kDouble), second.b.to(at::kDouble));
  const at::Tensor a = at::mm(first.a.to(at::kDouble), second.a.t().to(at::kDouble));
  return first.scale * second.scale * b.mul(a).sum().item<double>();
}

at::Tensor dense_update(const LowRank& low_rank) {
  return at::mm(low_rank.b, low_rank.a).mul_(low_rank.scale);
}

}  // namespace lore
