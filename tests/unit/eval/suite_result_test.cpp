#include "lore/eval/suite_result.h"

#include <cmath>

#include "support/share_right.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

std::vector<lore::SuiteCase> cases(int count, int right) {
  std::vector<lore::SuiteCase> made;
  for (int i = 0; i < count; ++i) {
    made.push_back({std::to_string(i),
                    {{"parity", i % 2 == 0 ? "even" : "odd"}},
                    {{"right", i < right ? 1.0 : 0.0}},
                    {},
                    {}});
  }
  return made;
}

}  // namespace

TEST_CASE("a suite's metrics stand beside the base's, by group, with their intervals") {
  const lore::SuiteResult result = lore::summarize(ShareRight(), cases(100, 40), cases(100, 50));
  CHECK(result.numbers.metrics.at("share") == 0.5);
  CHECK(result.numbers.base.at("share") == 0.4);
  CHECK(result.numbers.delta.at("share") == Approx(0.1));
  CHECK(result.groups.at("parity").at("even").cases == 50);
  CHECK(result.groups.at("parity").at("odd").numbers.base.at("share") == 0.4);
  // 1.96 standard errors of a share of 100: 0.098.
  const lore::Interval interval = result.intervals.at("share");
  CHECK(interval.low == Approx(0.5 - 0.098).margin(0.02));
  CHECK(interval.high == Approx(0.5 + 0.098).margin(0.02));
  // Both are asked the same: the difference is far surer than its parts. 1.96 * sqrt(0.1 * 0.9 / 100) =
  // 0.059.
  const lore::Interval of_delta = result.delta_intervals.at("share");
  CHECK(of_delta.low == Approx(0.1 - 0.059).margin(0.02));
  CHECK(of_delta.high == Approx(0.1 + 0.059).margin(0.02));
}

TEST_CASE("a suite of one model has no difference") {
  const lore::SuiteResult result = lore::summarize(ShareRight(), cases(10, 10), std::nullopt);
  CHECK(result.numbers.metrics.at("share") == 1);
  CHECK(result.numbers.base.empty());
  CHECK(result.delta_intervals.empty());
  CHECK(result.intervals.at("share").low == 1);
}
