#include "lore/core/philox.h"

#include <cmath>

#include "support/catch.h"

TEST_CASE("Philox4x32-10 gives the known answers of Random123") {
  const auto zero = lore::philox4x32({0, 0, 0, 0}, 0);
  CHECK(zero == std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const auto ones = lore::philox4x32({~0U, ~0U, ~0U, ~0U}, ~0ULL);
  CHECK(ones == std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
}

TEST_CASE("a stream is the same again, and another stream differs") {
  lore::PhiloxStream a(42, 0);
  lore::PhiloxStream b(42, 0);
  lore::PhiloxStream c(42, 1);
  int equal = 0;
  for (int i = 0; i < 100; ++i) {
    const auto value = a.next();
    CHECK(value == b.next());
    equal += value == c.next() ? 1 : 0;
  }
  CHECK(equal == 0);
}

TEST_CASE("normal numbers have mean 0 and variance 1") {
  lore::PhiloxStream stream(7, 3);
  double sum = 0;
  double squares = 0;
  constexpr int kCount = 200000;
  for (int i = 0; i < kCount; ++i) {
    const double x = stream.normal();
    sum += x;
    squares += x * x;
  }
  CHECK(std::abs(sum / kCount) < 0.01);
  CHECK(std::abs(squares / kCount - 1) < 0.02);
}
