#include "lore/nn/base_weight.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include <algorithm>

#include "lore/kernels/matmul.h"

namespace lore {
namespace {

/// Elements that are decoded at a time. A matrix up to this size gives the products of the decoded numbers
/// bit for bit.
constexpr std::int64_t kScratchElements = 32 << 20;

/// A contiguous [rows, columns] that is overwritten when it is asked for again.
at::Tensor scratch(std::int64_t rows, std::int64_t columns, at::ScalarType dtype) {
  thread_local at::Tensor memory;
  const std::int64_t wanted = rows * columns;
  if (!memory.defined() || memory.scalar_type() != dtype || memory.numel() < wanted) {
    memory.reset();
    memory = at::empty({wanted}, dtype);
  }
  return memory.narrow(0, 0, wanted).view({rows, columns});
}

/// Calls body(first, decoded rows) for panels of W one after another.
template <class Body>
void for_each_panel(const QuantizedMatrix& w, at::ScalarType dtype, const Body& body) {
  const std::int64_t step =
      std::max<std::int64_t>(1, kScratchElements / std::max<std::int64_t>(1, w.columns()));
  for (std::int64_t first = 0; first < w.rows(); first += step) {
    at::Tensor panel = scratch(std::min(step, w.rows() - first), w.columns(), dtype);
    w.decode_rows(first, panel);
    body(first, panel);
  }
}

}  // namespace

at::Tensor BaseWeight::times(const at::Tensor& x) const {
  if (!quantized_) {
    return matmul_nt(x, dense_);
  }
  at::Tensor y = at::empty({x.size(0), quantized_->rows()}, x.options());
  if (x.size(0) <= quantized_->most_rows()) {
    quantized_->product(y, x.contiguous());
    return y;
  }
  for_each_panel(*quantized_, dtype_, [&](std::int64_t first, const at::Tensor& panel) {
    if (panel.size(0) == quantized_->rows()) {
      matmul_nt_out(y, x, panel);
    } else {
      y.narrow(1, first, panel.size(0)).copy_(matmul_nt(x, panel));
    }
  });
  return y;
}

at::Tensor BaseWeight::times_transposed(const at::Tensor& dy) const {
  if (!quantized_) {
    return matmul_nn(dy, dense_);
  }
  at::Tensor dx;
  for_each_panel(*quantized_, dtype_, [&](std::int64_t first, const at::Tensor& panel) {
    const at::Tensor part = matmul_nn(dy.narrow(1, first, panel.size(0)), panel);
    if (dx.defined()) {
      dx.add_(part);
    } else {
      dx = panel.size(0) == quantized_->rows() ? part : part.to(at::kFloat);
    }
  });
  return dx.to(dy.scalar_type());
}

at::Tensor BaseWeight::rows(const at::Tensor& ids) const {
  if (!quantized_) {
    return at::index_select(dense_, 0, ids);
  }
  at::Tensor result = at::empty({ids.size(0), quantized_->columns()}, dtype_);
  const std::int64_t* id = ids.data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < ids.size(0); ++n) {
    at::Tensor row = result.narrow(0, n, 1);
    quantized_->decode_rows(id[n], row);
  }
  return result;
}

at::Tensor BaseWeight::dense() const {
  if (!quantized_) {
    return dense_;
  }
  at::Tensor result = at::empty({quantized_->rows(), quantized_->columns()}, dtype_);
  quantized_->decode_rows(0, result);
  return result;
}

}  // namespace lore
