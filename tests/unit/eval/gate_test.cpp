#include "lore/eval/gate.h"

#include <cmath>

#include "lore/core/error.h"
#include "support/catch.h"

namespace {

const lore::GatedNumbers kNumbers{{{"perplexity", 12.5},
                                   {"broken", std::nan("")},
                                   {"terms.recall", 0.6},
                                   {"terms.recall[domain=law [eu], a=b > c]", 0.9},
                                   {"terms.recall[domain=risk-control]", 0.5},
                                   {"terms.recall[language=zh]", 0.4},
                                   {"terms.recall.low", 0.55},
                                   {"broken[domain=law]", std::nan("")},
                                   {"broken[domain=risk]", 1}},
                                  {{"perplexity", 14.0}},
                                  {{"perplexity", -1.5}, {"terms.recall[domain=risk-control]", -0.1}},
                                  {{"perplexity", 12.0}},
                                  {{"perplexity", 0.5}}};

/// Of a base alone, without a baseline.
const lore::GatedNumbers kAlone{kNumbers.metrics, {}, {}, {}, {}};

lore::GateResult check(const std::string& text) { return lore::check_gate(lore::parse_gate(text), kNumbers); }

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
  const auto result = lore::check_gate(lore::parse_gate("delta.perplexity < 100"), kAlone);
  CHECK_FALSE(result.passed);
  CHECK(result.why == "no base was measured beside an adapter");
  CHECK(lore::check_gate(lore::parse_gate("perplexity.vs_baseline < 1"), kAlone).why ==
        "no baseline was given (--baseline REPORT.json)");
}

TEST_CASE("a gate may name the adapter now deployed") {
  CHECK(*check("baseline.perplexity > 0").value == 12);
  CHECK(check("vs_baseline.perplexity <= 0.5").passed);
  CHECK_FALSE(check("perplexity.vs_baseline <= 0").passed);
}

TEST_CASE("a gate may name a group, whose name may hold anything") {
  CHECK(*check("terms.recall[domain=risk-control] >= 0.5").value == 0.5);
  CHECK(*check("terms.recall[ domain = law [eu], a=b > c ]>=0.5").value == 0.9);
  CHECK(*check("delta.terms.recall[domain=risk-control] > 0").value == -0.1);
  CHECK(*check("terms.recall[domain=risk-control].delta > 0").value == -0.1);
  CHECK(check("terms.recall[domain=finance] > 0").why ==
        "terms.recall[domain=finance] was not measured (did you mean 'terms.recall'?)");
}

TEST_CASE("a gate on each group is decided by the one that does worst") {
  CHECK(check("terms.recall[domain=*] >= 0.5").passed);
  const auto failed = check("terms.recall[domain=*] > 0.5");
  CHECK_FALSE(failed.passed);
  CHECK(*failed.value == 0.5);
  CHECK(failed.group == "risk-control");
  CHECK(check("terms.recall[domain=*] < 0.8").group == "law [eu], a=b > c");
  CHECK(check("broken[domain=*] > 0").why == "broken[domain=*] is not a number in law");
  CHECK_FALSE(check("terms.recall[team=*] > 0").passed);
}

TEST_CASE("a gate that cannot be read is refused") {
  for (const char* text : {"", "perplexity", "perplexity <", "< 3", "perplexity = 3", "perplexity < 3x",
                           "perplexity < nan", "perplexity < inf", "perplexity < 3 < 4", "two words < 3",
                           "recall[domain] > 1", "recall[domain=] > 1", "recall[=law] > 1",
                           "recall[domain=law > 1", "[domain=law] > 1", "recall domain=law] > 1"}) {
    CHECK_THROWS_AS(lore::parse_gate(text), lore::Error);
  }
}
