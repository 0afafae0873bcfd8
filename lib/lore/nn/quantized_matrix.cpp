#include "lore/nn/quantized_matrix.h"

#include <algorithm>
#include <vector>

#include "lore/kernels/checks.h"
#include "lore/kernels/few_rows.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"

namespace lore {

void QuantizedMatrix::decode_rows(std::int64_t first, at::Tensor& target) const {
  check_argument(is_supported(target) && target.is_cpu() && target.dim() == 2 && target.size(1) == columns_,
                 "decode_rows", "a contiguous target [count, columns] on the CPU");
  dispatch_dtype(target, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    T* out = target.data_ptr<T>();
    parallel_for(0, target.size(0), product_grain(columns_), [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> scratch(static_cast<std::size_t>(columns_));
      for (std::int64_t row = begin; row < end; ++row) {
        float* values = simd::out_row(out + row * columns_, scratch.data());
        decode_rows(first + row, 1, values);
        simd::finish_row(out + row * columns_, values, columns_);
      }
    });
  });
}

std::int64_t QuantizedMatrix::most_rows() const { return kFewRows; }

void QuantizedMatrix::product(at::Tensor& y, const at::Tensor& x) const {
  check_argument(is_supported(y) && x.size(1) == columns_ && y.size(1) == rows_ && x.size(0) <= kFewRows,
                 "QuantizedMatrix::product", "few rows x [N, columns] and contiguous y [N, rows]");
  const at::Tensor wide = widened_rows(x);
  const float* values = wide.data_ptr<float>();
  dispatch_dtype(y, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    T* out = y.data_ptr<T>();
    parallel_for(0, rows_, product_grain(columns_), [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> row(static_cast<std::size_t>(columns_));
      std::vector<T> rounded(static_cast<std::size_t>(columns_));
      float sums[kFewRows];
      for (std::int64_t r = begin; r < end; ++r) {
        decode_rows(r, 1, row.data());
        // As the decoded W would have it: rounded to the model's type.
        simd::finish_row(rounded.data(), row.data(), columns_);
        simd::row(rounded.data(), row.data(), columns_);
        few_rows_dots(row.data(), values, columns_, x.size(0), columns_, sums);
        for (std::int64_t n = 0; n < x.size(0); ++n) {
          out[n * rows_ + r] = T(sums[n]);
        }
      }
    });
  });
}

}  // namespace lore
