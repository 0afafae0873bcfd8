#include "lore/data/ordered_work.h"

#include <stdexcept>

#include "support/catch.h"

using lore::work_in_order;

namespace {

std::vector<int> squares(int threads, int count, int fails_at = -1, int give_fails_at = -1) {
  int next = 0;
  std::vector<int> given;
  work_in_order<int, int>(
      threads, [&]() -> std::optional<int> { return next < count ? std::optional(next++) : std::nullopt; },
      [&](int value) {
        if (value % 7 == 0) {
          std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
        if (fails_at >= 0 && value >= fails_at) {
          throw std::runtime_error(std::to_string(value));
        }
        return value * value;
      },
      [&](int result) {
        if (give_fails_at >= 0 && result == give_fails_at * give_fails_at) {
          throw std::runtime_error("give");
        }
        given.push_back(result);
      });
  return given;
}

}  // namespace

TEST_CASE("results come in the order of the inputs for any number of threads") {
  for (const int threads : {1, 2, 9}) {
    for (const int count : {0, 1, 2, 500}) {
      const auto given = squares(threads, count);
      REQUIRE(given.size() == static_cast<std::size_t>(count));
      for (int i = 0; i < count; ++i) {
        CHECK(given[static_cast<std::size_t>(i)] == i * i);
      }
    }
  }
}

TEST_CASE("of several failures the earliest input's is thrown") {
  for (int repeat = 0; repeat < 20; ++repeat) {
    CHECK_THROWS_WITH(squares(4, 200, 77), "77");
    CHECK_THROWS_WITH(squares(4, 200, -1, 50), "give");
  }
}
