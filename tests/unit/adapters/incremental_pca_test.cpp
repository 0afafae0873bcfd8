#include "lore/adapters/incremental_pca.h"

#include <ATen/ops/linalg_svd.h>

#include "unit/kernels/oracle.h"

// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

/// 120 rows of 20 numbers, with a mean, whose variance lies in six directions.
at::Tensor rows_of_rank_six() {
  return random_tensor({120, 6}).mm(random_tensor({6, 20}, at::kFloat, 2)) +
         random_tensor({20}, at::kFloat, 3);
}

}  // namespace

TEST_CASE("components of batches are those of all rows at once") {
  const at::Tensor rows = rows_of_rank_six();
  lore::IncrementalPca pca(6);
  CHECK(pca.empty());
  for (const auto& [first, count] : {std::pair{0, 50}, std::pair{50, 7}, std::pair{57, 63}}) {
    pca.add(rows.narrow(0, first, count));
  }
  const auto [u, s, vt] = at::linalg_svd(rows - rows.mean(0), false);
  CHECK(pca.components().size(0) == 6);
  const at::Tensor cosines = (pca.components() * vt.narrow(0, 0, 6)).sum(1).abs();
  CHECK(cosines.min().item<double>() > 0.9999);
  const std::vector<double> ratios = pca.explained_variance_ratios();
  const double total = s.square().sum().item<double>();
  double sum = 0;
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    CHECK(ratios[i] == Approx(s[static_cast<std::int64_t>(i)].square().item<double>() / total).epsilon(1e-3));
    sum += ratios[i];
  }
  CHECK(sum == Approx(1).epsilon(1e-4));
}

TEST_CASE("the largest element of each component is positive") {
  lore::IncrementalPca pca(3);
  pca.add(rows_of_rank_six().narrow(0, 0, 30));
  const at::Tensor components = pca.components();
  CHECK(std::get<0>(components.max(1)).equal(std::get<0>(components.abs().max(1))));
}

TEST_CASE("rows that are all alike have no variance to share") {
  lore::IncrementalPca pca(2);
  pca.add(at::ones({4, 5}));
  CHECK(pca.explained_variance_ratios() == std::vector<double>{0, 0});
}
