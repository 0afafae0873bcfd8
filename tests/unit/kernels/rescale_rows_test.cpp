#include "lore/kernels/rescale_rows.h"

#include "unit/kernels/oracle.h"

// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

TEST_CASE("w plus the new update has the wanted row norms and the old directions") {
  const at::Tensor w = random_tensor({5, 37});
  at::Tensor d = random_tensor({5, 37}, at::kFloat, 2).mul_(0.1);
  w.select(0, 3).zero_();
  d.select(0, 3).zero_();
  const at::Tensor magnitude = random_tensor({5}, at::kFloat, 3).abs_().add_(0.5);
  const at::Tensor sum = w.to(at::kDouble).add(d.to(at::kDouble));
  at::Tensor wanted = sum.mul((magnitude.to(at::kDouble) / sum.norm(2, 1)).unsqueeze(1));
  wanted.select(0, 3).zero_();
  lore::rescale_rows(w.data_ptr<float>(), d.data_ptr<float>(), 5, 37, magnitude.data_ptr<float>());
  CHECK(relative_difference(w.add(d), wanted) < 1e-6);
}
