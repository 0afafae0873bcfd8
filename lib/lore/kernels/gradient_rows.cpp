#include "lore/kernels/gradient_rows.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <vector>

#include "lore/kernels/checks.h"
#include "lore/kernels/parallel.h"

namespace lore {
namespace {

/// Columns that one thread takes at a time: whole cache lines, so that threads do not write into one.
constexpr std::int64_t kColumns = 64;

/// Calls body(first, last) on ranges of columns, on all threads.
template <typename Body>
void over_columns(std::int64_t columns, std::int64_t rows, const Body& body) {
  const std::int64_t blocks = (columns + kColumns - 1) / kColumns;
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / (kColumns * std::max<std::int64_t>(1, rows)));
  parallel_for(0, blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    body(begin * kColumns, std::min(columns, end * kColumns));
  });
}

}  // namespace

void add_rows(at::Tensor& sum, const at::Tensor& ids, const at::Tensor& rows) {
  check_argument(sum.dim() == 2 && rows.dim() == 2 && ids.dim() == 1 && ids.size(0) == rows.size(0) &&
                     sum.size(1) == rows.size(1) && sum.is_contiguous() && sum.scalar_type() == at::kFloat &&
                     is_supported(rows) && ids.is_contiguous() && ids.scalar_type() == at::kLong,
                 "add_rows", "sum [V, D] float32, ids int64 [N] and rows [N, D]");
  if (!sum.is_cpu()) {
    sum.index_add_(0, ids, rows.to(at::kFloat));
    return;
  }
  const std::int64_t n = rows.size(0);
  const std::int64_t d = rows.size(1);
  const std::int64_t* id = ids.data_ptr<std::int64_t>();
  check_argument(std::all_of(id, id + n, [&](std::int64_t i) { return i >= 0 && i < sum.size(0); }),
                 "add_rows", "ids in [0, V)");
  float* target = sum.data_ptr<float>();
  dispatch_dtype(rows, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    const T* source = rows.data_ptr<T>();
    over_columns(d, n, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t row = 0; row < n; ++row) {
        for (std::int64_t column = first; column < last; ++column) {
          target[id[row] * d + column] += static_cast<float>(source[row * d + column]);
        }
      }
    });
  });
}

void add_row_sum(at::Tensor& sum, const at::Tensor& x) {
  check_argument(sum.dim() == 1 && x.dim() == 2 && sum.size(0) == x.size(1) && sum.is_contiguous() &&
                     sum.scalar_type() == at::kFloat && is_supported(x),
                 "add_row_sum", "sum [D] float32 and x [N, D]");
  if (!sum.is_cpu()) {
    sum.add_(x.to(at::kFloat).sum(0));
    return;
  }
  // Partial sums of few rows keep the error from growing with the number of rows.
  constexpr std::int64_t kRows = 64;
  const std::int64_t n = x.size(0);
  const std::int64_t d = x.size(1);
  float* target = sum.data_ptr<float>();
  dispatch_dtype(x, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    const T* source = x.data_ptr<T>();
    over_columns(d, n, [&](std::int64_t first, std::int64_t last) {
      std::vector<float> partial(static_cast<std::size_t>(last - first));
      for (std::int64_t block = 0; block < n; block += kRows) {
        std::fill(partial.begin(), partial.end(), 0.0F);
        for (std::int64_t row = block; row < std::min(n, block + kRows); ++row) {
          for (std::int64_t column = first; column < last; ++column) {
            partial[static_cast<std::size_t>(column - first)] += static_cast<float>(source[row * d + column]);
          }
        }
        for (std::int64_t column = first; column < last; ++column) {
          target[column] += partial[static_cast<std::size_t>(column - first)];
        }
      }
    });
  });
}

}  // namespace lore
