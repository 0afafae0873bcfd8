#include "lore/kernels/pair_product.h"

#include "lore/kernels/matmul.h"
#include "unit/kernels/oracle.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

/// bfloat16 [rows, 2 k] as pairs [rows, k], the first of each in the lower half.
at::Tensor pairs_along_rows(const at::Tensor& x) { return x.contiguous().view(at::kInt); }

const lore::Bfloat16Pair* pairs(const at::Tensor& x) {
  return reinterpret_cast<const lore::Bfloat16Pair*>(x.const_data_ptr<std::int32_t>());
}

}  // namespace

TEST_CASE("products of bfloat16 pairs agree with float64, for every number of rows and blocks of columns") {
  if (!lore::has_native_bf16()) {
    SUCCEED("this processor multiplies float32 tiles instead");
    return;
  }
  for (const std::int64_t m : {1, 2, 6, 7, 13, 64}) {
    for (const std::int64_t n : {16, 48, 64, 112}) {
      for (const std::int64_t k : {1, 5, 32}) {
        const at::Tensor a = random_tensor({m, 2 * k}, at::kBFloat16, 1);
        const at::Tensor b = random_tensor({2 * k, n}, at::kBFloat16, 2);
        const at::Tensor before = random_tensor({m, n}, at::kFloat, 3);
        const at::Tensor exact = before.to(at::kDouble) + a.to(at::kDouble).mm(b.to(at::kDouble));
        const at::Tensor rows = pairs_along_rows(a);
        const at::Tensor columns = pairs_along_rows(b.t()).t().contiguous();
        at::Tensor c = before.clone();
        lore::add_tile_product(c.data_ptr<float>(), n, {pairs(rows), k}, pairs(columns), n, m, n, k);
        CHECK(relative_difference(c, exact) <= 1e-6);
        const at::Tensor across = rows.t().contiguous();
        c.copy_(before);
        lore::add_tile_product(c.data_ptr<float>(), n,
                               lore::TileView<lore::Bfloat16Pair>{pairs(across), m}.transposed(),
                               pairs(columns), n, m, n, k);
        CHECK(relative_difference(c, exact) <= 1e-6);
      }
    }
  }
}
