#include "lore/kernels/block_product.h"

#include <algorithm>
#include <vector>

#include "lore/kernels/checks.h"
#include "lore/kernels/few_rows.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"

namespace lore {
namespace {

/// Rows of w that stay in the second-level cache while rows of x pass by.
constexpr std::int64_t kPanel = 16;

void put(float* y, float value) { *y = value; }
void put(c10::BFloat16* y, float value) { y->x = simd::to_bfloat16(value); }

}  // namespace

void block_product(at::Tensor& y, const at::Tensor& x, BlockForm form, const std::byte* w) {
  check_argument(is_supported(x) && is_supported(y) && x.dim() == 2 && y.dim() == 2 && y.size(0) == x.size(0),
                 "block_product", "contiguous x [N, in] and y [N, out]");
  static const InstructionSet set = best_instructions();
  const BlockDots dots = block_dots(form, set);
  const Int8Rows numbers(x);
  const std::int64_t columns = x.size(1);
  const std::int64_t blocks = columns / kBlock;
  const std::int64_t row_bytes = blocks * bytes_of_block(form);
  const std::int64_t out = y.size(1);
  std::vector<Int8Row> rows;
  for (std::int64_t n = 0; n < numbers.rows(); ++n) {
    rows.push_back(numbers.row(n));
  }
  dispatch_dtype(y, [&](auto* tag) {
    auto* target = y.data_ptr<std::remove_pointer_t<decltype(tag)>>();
    parallel_for(0, out, product_grain(columns), [&](std::int64_t begin, std::int64_t end) {
      float sums[kPanel * kBlockRows];
      for (std::int64_t panel = begin; panel < end; panel += kPanel) {
        const std::int64_t w_rows = std::min(kPanel, end - panel);
        for (std::int64_t n = 0; n < numbers.rows(); n += kBlockRows) {
          const std::int64_t x_rows = std::min(kBlockRows, numbers.rows() - n);
          dots(w + panel * row_bytes, w_rows, blocks, rows.data() + n, x_rows, sums);
          for (std::int64_t k = 0; k < x_rows; ++k) {
            for (std::int64_t i = 0; i < w_rows; ++i) {
              put(target + (n + k) * out + panel + i, sums[i * kBlockRows + k]);
            }
          }
        }
      }
    });
  });
}

}  // namespace lore
