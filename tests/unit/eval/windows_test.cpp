#include "lore/eval/windows.h"

#include <algorithm>

#include "support/catch.h"

TEST_CASE("overlapping windows score every token but the first once, with the context before it") {
  const std::int64_t tokens = GENERATE(0, 1, 2, 7, 8, 9, 31, 64, 65);
  const std::int64_t max_length = GENERATE(2, 3, 8, 100);
  const std::int64_t stride = GENERATE_COPY(1, std::max<std::int64_t>(1, max_length / 2), max_length - 1);
  std::vector<int> scored(static_cast<std::size_t>(tokens), 0);
  for (const lore::Window& window : lore::plan_windows(tokens, max_length, stride)) {
    CHECK(window.length <= max_length);
    CHECK(window.scored < window.length);
    for (std::int64_t i = window.first + window.length - window.scored; i < window.first + window.length;
         ++i) {
      ++scored[static_cast<std::size_t>(i)];
    }
  }
  for (std::size_t i = 0; i < scored.size(); ++i) {
    CHECK(scored[i] == (i == 0 ? 0 : 1));
  }
}

TEST_CASE("windows that do not overlap leave the first token of each without a score") {
  const std::vector<lore::Window> windows = lore::plan_windows(10, 4, 4);
  CHECK((windows == std::vector<lore::Window>{{0, 4, 3}, {4, 4, 3}, {8, 2, 1}}));
  // A last window of one token has nothing to score.
  CHECK((lore::plan_windows(9, 4, 4) == std::vector<lore::Window>{{0, 4, 3}, {4, 4, 3}}));
}

TEST_CASE("windows slide as in the usual recipe") {
  CHECK((lore::plan_windows(10, 6, 3) == std::vector<lore::Window>{{0, 6, 5}, {3, 6, 3}, {6, 4, 1}}));
}
