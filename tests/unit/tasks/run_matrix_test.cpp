#include "lore/tasks/run_matrix.h"

#include "support/catch.h"

TEST_CASE("percentiles are times that were measured") {
  std::vector<double> seconds;
  for (int i = 100; i > 0; --i) {
    seconds.push_back(i);
  }
  const lore::TimePercentiles of_hundred = lore::percentiles(seconds);
  CHECK(of_hundred.p50 == 50);
  CHECK(of_hundred.p95 == 95);
  CHECK(of_hundred.p99 == 99);
  CHECK(lore::percentiles({2}).p99 == 2);
  CHECK(lore::percentiles({1, 2}).p50 == 1);
}

TEST_CASE("a pilot is worth the wages of what it takes over, less the machine for all that comes in") {
  const lore::PilotSpec spec{
      .cases_per_month = 2000, .minutes_per_case = 12, .automation_share = 0.25, .hourly_wage = 40};
  const auto worth = lore::pilot_worth(spec, 5.0);
  REQUIRE(worth);
  CHECK(worth->cases == 500);
  CHECK(worth->minutes_saved == 6000);
  CHECK(worth->wages_saved == 4000);
  CHECK(worth->machine_cost == 10);
  CHECK(worth->net == 3990);
  CHECK_FALSE(lore::pilot_worth(spec, std::nullopt)->machine_cost);
  CHECK_FALSE(lore::pilot_worth({}, 5.0));
}
