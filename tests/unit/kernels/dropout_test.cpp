#include "lore/kernels/dropout.h"

#include "lore/core/philox.h"
#include "unit/kernels/oracle.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

TEST_CASE("dropout keeps the elements that Philox says, scaled") {
  constexpr double kP = 0.3;
  const at::Tensor x = at::ones({5, 401});
  const at::Tensor y = lore::dropout(x, kP, 0x123456789abcdefULL, 7).view(-1);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    const auto word = lore::philox4x32({static_cast<std::uint32_t>(i / 4), 0, 7, 0},
                                       0x123456789abcdefULL)[static_cast<std::size_t>(i % 4)];
    const bool dropped = word < static_cast<std::uint32_t>(kP * 4294967296.0);
    REQUIRE(y[i].item<float>() == Approx(dropped ? 0.0 : 1.0 / (1 - kP)));
  }
}

TEST_CASE("dropout drops the share it was asked for, differently for each key and stream") {
  const at::Tensor x = at::ones({1000, 1000});
  const at::Tensor y = lore::dropout(x, 0.1, 42, 0);
  CHECK((y == 0).to(at::kFloat).mean().item<float>() == Approx(0.1).margin(0.002));
  CHECK(y.mean().item<float>() == Approx(1.0).margin(0.002));
  CHECK(at::equal(y, lore::dropout(x, 0.1, 42, 0)));
  CHECK_FALSE(at::equal(y, lore::dropout(x, 0.1, 42, 1)));
  CHECK_FALSE(at::equal(y, lore::dropout(x, 0.1, 43, 0)));
}

TEST_CASE("nothing is dropped at zero") {
  const at::Tensor x = random_tensor({3, 5});
  CHECK(at::equal(lore::dropout(x, 0.0, 1, 1), x));
}
