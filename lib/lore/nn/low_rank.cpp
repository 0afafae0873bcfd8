#include "lore/nn/low_rank.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>

#include "lore/nn/linear.h"

namespace lore {

at::Tensor updated_row_norms(const at::Tensor& w, const at::Tensor& b, const at::Tensor& a, double scale) {
  constexpr std::int64_t kPanelElements = 4 << 20;
  at::Tensor norms = at::empty({w.size(0)}, b.options());
  const std::int64_t step = std::max<std::int64_t>(1, kPanelElements / w.size(1));
  for (std::int64_t first = 0; first < w.size(0); first += step) {
    const std::int64_t rows = std::min(step, w.size(0) - first);
    const at::Tensor sum =
        at::addmm(w.narrow(0, first, rows).to(at::kFloat), b.narrow(0, first, rows), a, 1, scale);
    norms.narrow(0, first, rows).copy_(at::linalg_vector_norm(sum, 2, {1}));
  }
  return norms.masked_fill_(norms.eq(0), 1);
}

void LowRank::refresh(at::ScalarType dtype, const BaseWeight& weight) {
  a_compute = a.to(dtype);
  b_compute = b.to(dtype);
  if (is_dora()) {
    row_norms = updated_row_norms(base(weight).dense(), b, a, scale);
    row_gain = magnitude.div(row_norms).sub_(1).to(dtype);
  }
}

std::vector<std::size_t> AdapterSet::linears() const {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i]) {
      indices.push_back(i);
    }
  }
  return indices;
}

std::int64_t AdapterSet::parameter_count() const {
  std::int64_t count = full_.parameter_count();
  for (const auto& entry : entries_) {
    if (entry) {
      count += entry->a.numel() + entry->b.numel() + (entry->is_dora() ? entry->magnitude.numel() : 0);
    }
  }
  return count;
}

std::int64_t AdapterSet::trained_parameter_count() const {
  std::int64_t count = parameter_count();
  for (const auto& entry : entries_) {
    count -= entry && !entry->trains_a ? entry->a.numel() : 0;
  }
  return count;
}

void AdapterSet::refresh(at::ScalarType dtype, std::span<const Linear* const> linears) {
  full_.refresh(dtype);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i]) {
      entries_[i]->refresh(dtype, i < linears.size() ? linears[i]->weight : BaseWeight());
    }
  }
}

}  // namespace lore
