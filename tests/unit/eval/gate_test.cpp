#include "lore/eval/gate.h"

#include <cmath>

#include "lore/core/error.h"
#include "support/catch.h"

namespace {

const lore::Metrics kMetrics{{"perplexity", 12.5}, {"broken", std::nan("")}};
const lore::Metrics kBase{{"perplexity", 14.0}};
const lore::Metrics kDelta{{"perplexity", -1.5}};

lore::GateResult check(const std::string& text) {
  return lore::check_gate(lore::parse_gate(text), kMetrics, kBase, kDelta);
}

}  // namespace

TEST_CASE("a gate compares a metric, the base's or the difference with a number") {
  CHECK(check("perplexity <= 12.5").passed);
  CHECK(check("perplexity<=12.5").passed);
  CHECK_FALSE(check("perplexity < 12.5").passed);
  CHECK(check("perplexity == 12.5").passed);
  CHECK(check(" base.perplexity > 13 ").passed);
  CHECK(check("delta.perplexity <= -1e0").passed);
  CHECK_FALSE(check("delta.perplexity >= 0").passed);
  CHECK(*check("delta.perplexity >= 0").value == -1.5);
  CHECK(*check("perplexity.delta >= 0").value == -1.5);
  CHECK(*check("perplexity.base >= 0").value == 14);
  CHECK(lore::parse_gate("terms.recall.delta.low > 0").metric == "delta.terms.recall.low");
}

TEST_CASE("a metric that is missing or not a number fails and says why") {
  CHECK_FALSE(check("perplexty < 100").passed);
  CHECK(check("perplexty < 100").why == "perplexty was not measured (did you mean 'perplexity'?)");
  CHECK_FALSE(check("broken < 100").passed);
  CHECK(check("broken < 100").why == "broken is not a number");
  const auto result = lore::check_gate(lore::parse_gate("delta.perplexity < 100"), kMetrics, {}, {});
  CHECK_FALSE(result.passed);
  CHECK(result.why == "no base was measured beside an adapter");
}

TEST_CASE("a gate that cannot be read is refused") {
  for (const char* text : {"", "perplexity", "perplexity <", "< 3", "perplexity = 3", "perplexity < 3x",
                           "perplexity < nan", "perplexity < inf", "perplexity < 3 < 4", "two words < 3"}) {
    CHECK_THROWS_AS(lore::parse_gate(text), lore::Error);
  }
}
