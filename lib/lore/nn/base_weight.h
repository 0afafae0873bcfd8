#pragma once

#include <ATen/core/Tensor.h>

namespace lore {

/// A frozen matrix W [out, in] and the products that training needs of it.
class BaseWeight {
 public:
  BaseWeight() = default;
  explicit BaseWeight(at::Tensor dense) : dense_(std::move(dense)) {}

  std::int64_t out_features() const { return dense_.size(0); }
  std::int64_t in_features() const { return dense_.size(1); }

  /// x [N, in] -> x W^T [N, out].
  at::Tensor times(const at::Tensor& x) const;
  /// dy [N, out] -> dy W [N, in], the gradient of `times` with respect to x.
  at::Tensor times_transposed(const at::Tensor& dy) const;
  /// The rows `ids` (int64 [N]) -> [N, in].
  at::Tensor rows(const at::Tensor& ids) const;

  const at::Tensor& dense() const { return dense_; }

 private:
  at::Tensor dense_;
};

}  // namespace lore
