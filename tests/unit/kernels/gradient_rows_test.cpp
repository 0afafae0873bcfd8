#include "lore/kernels/gradient_rows.h"

#include "lore/core/error.h"
#include "lore/kernels/parallel.h"
#include "unit/kernels/oracle.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

TEST_CASE(
    "rows are added where their ids say, repeated ones too, to the same bytes with any number of threads") {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor rows = random_tensor({301, 130}, dtype, 1);
    const at::Tensor ids = at::randint(0, 17, {301}, at::kLong);
    const at::Tensor start = random_tensor({17, 130}, at::kFloat, 2);
    const at::Tensor wanted = start.index_add(0, ids, rows.to(at::kFloat));
    std::vector<at::Tensor> sums;
    const int before = lore::threads();
    for (const int threads : {1, 2}) {
      lore::set_threads(threads);
      sums.push_back(start.clone());
      lore::add_rows(sums.back(), ids, rows);
    }
    lore::set_threads(before);
    CHECK(relative_difference(sums[0], wanted) <= 1e-6);
    CHECK(sums[0].equal(sums[1]));
  }
}

TEST_CASE("rows are summed to float32's rounding, to the same bytes with any number of threads") {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = random_tensor({5003, 70}, dtype, 1).add(1);
    const at::Tensor wanted = x.to(at::kDouble).sum(0).add(3);
    std::vector<at::Tensor> sums;
    const int before = lore::threads();
    for (const int threads : {1, 2}) {
      lore::set_threads(threads);
      sums.push_back(at::full({70}, 3.0F));
      lore::add_row_sum(sums.back(), x);
    }
    lore::set_threads(before);
    CHECK(relative_difference(sums[0].to(at::kDouble), wanted) <= 1e-5);
    CHECK(sums[0].equal(sums[1]));
  }
}

TEST_CASE("no row adds nothing, and an id outside the sum is an error") {
  at::Tensor sum = at::ones({4, 3});
  lore::add_rows(sum, at::empty({0}, at::kLong), at::empty({0, 3}));
  CHECK(sum.equal(at::ones({4, 3})));
  at::Tensor vector = at::ones({3});
  lore::add_row_sum(vector, at::empty({0, 3}));
  CHECK(vector.equal(at::ones({3})));
  for (const std::int64_t id : {-1, 4}) {
    CHECK_THROWS_AS(lore::add_rows(sum, at::full({1}, id, at::kLong), at::ones({1, 3})), lore::Error);
  }
  CHECK(sum.equal(at::ones({4, 3})));
}
