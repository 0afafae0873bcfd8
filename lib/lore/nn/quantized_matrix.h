#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>

namespace lore {

/// A frozen matrix W [rows, columns] on the CPU that is stored with fewer bits than its values have.
class QuantizedMatrix {
 public:
  QuantizedMatrix(std::int64_t rows, std::int64_t columns) : rows_(rows), columns_(columns) {}
  virtual ~QuantizedMatrix() = default;
  QuantizedMatrix(const QuantizedMatrix&) = delete;
  QuantizedMatrix& operator=(const QuantizedMatrix&) = delete;

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  /// The bytes that it takes, in memory or in a mapped file.
  virtual std::size_t bytes() const = 0;

  /// Rows [first, first + count) as float32 into `target`. May be called from several threads at once.
  virtual void decode_rows(std::int64_t first, std::int64_t count, float* target) const = 0;
  /// The same as `target`'s type, float32 or bfloat16, into contiguous target [count, columns]; on all
  /// threads.
  void decode_rows(std::int64_t first, at::Tensor& target) const;

  /// The most rows of x for which `product` is faster than decoding W and multiplying.
  virtual std::int64_t most_rows() const;
  /// y = x·Wᵀ without W decoded as a whole: contiguous x [N, columns] and y [N, rows] of one type, N at most
  /// most_rows(). As matmul_nt gives it with W decoded to that type.
  virtual void product(at::Tensor& y, const at::Tensor& x) const;

 private:
  std::int64_t rows_;
  std::int64_t columns_;
};

}  // namespace lore
