#include "lore/nn/base_weight.h"

#include <ATen/ops/index_select.h>

#include "lore/kernels/matmul.h"

namespace lore {

at::Tensor BaseWeight::times(const at::Tensor& x) const { return matmul_nt(x, dense_); }

at::Tensor BaseWeight::times_transposed(const at::Tensor& dy) const { return matmul_nn(dy, dense_); }

at::Tensor BaseWeight::rows(const at::Tensor& ids) const { return at::index_select(dense_, 0, ids); }

}  // namespace lore
