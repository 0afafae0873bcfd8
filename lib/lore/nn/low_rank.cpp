#include "lore/nn/low_rank.h"

namespace lore {

void LowRank::refresh(at::ScalarType dtype) {
  a_compute = a.to(dtype);
  b_compute = b.to(dtype);
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
      count += entry->a.numel() + entry->b.numel();
    }
  }
  return count;
}

void AdapterSet::refresh(at::ScalarType dtype) {
  full_.refresh(dtype);
  for (auto& entry : entries_) {
    if (entry) {
      entry->refresh(dtype);
    }
  }
}

}  // namespace lore
