#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "lore/nn/quantized_matrix.h"

namespace lore {

/// A frozen matrix W [out, in] and the products that training and decoding need of it, whether it is held as
/// numbers or quantized. Products with many rows decode a quantized W into a scratch that all weights of a
/// thread share, and then are those of the decoded numbers.
class BaseWeight {
 public:
  BaseWeight() = default;
  explicit BaseWeight(at::Tensor dense) : dense_(std::move(dense)) {}
  /// `dtype` is that of the model, float32 or bfloat16.
  BaseWeight(std::shared_ptr<const QuantizedMatrix> quantized, at::ScalarType dtype)
      : quantized_(std::move(quantized)), dtype_(dtype) {}

  std::int64_t out_features() const { return quantized_ ? quantized_->rows() : dense_.size(0); }
  std::int64_t in_features() const { return quantized_ ? quantized_->columns() : dense_.size(1); }
  /// The bytes that it takes, in memory or in a mapped file.
  std::size_t bytes() const { return quantized_ ? quantized_->bytes() : dense_.nbytes(); }

  /// x [N, in] -> x W^T [N, out].
  at::Tensor times(const at::Tensor& x) const;
  /// dy [N, out] -> dy W [N, in], the gradient of `times` with respect to x.
  at::Tensor times_transposed(const at::Tensor& dy) const;
  /// The rows `ids` (int64 [N]) -> [N, in].
  at::Tensor rows(const at::Tensor& ids) const;

  /// W as numbers of the model's dtype; decoded anew for each call where it is quantized.
  at::Tensor dense() const;

 private:
  at::Tensor dense_;
  std::shared_ptr<const QuantizedMatrix> quantized_;
  at::ScalarType dtype_ = at::kFloat;
};

}  // namespace lore
