#include "lore/tasks/baseline.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lore/core/error.h"
#include "lore/tasks/evaluation_report.h"
#include "lore/tasks/examiner.h"
#include "lore/tasks/gated_numbers.h"
#include "support/share_right.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace {

constexpr int kCases = 100;

std::vector<lore::SuiteCase> cases(int right) {
  std::vector<lore::SuiteCase> made;
  for (int i = 0; i < kCases; ++i) {
    made.push_back({std::to_string(i),
                    {{"parity", i % 2 == 0 ? "even" : "odd"}},
                    {{"right", i < right ? 1.0 : 0.0}, {"unknown", std::nan("")}},
                    {},
                    {{"answer", "text"}}});
  }
  return made;
}

lore::Questions questions() {
  lore::Questions asked;
  for (const char* name : {"data/first.jsonl", "data/second.jsonl"}) {
    asked.sources.emplace_back();
    asked.sources.back().name = name;
    asked.sources.back().identity = std::string("hash of ") + name;
  }
  asked.suites.push_back({"terms", "terms", "hash of terms", std::make_unique<ShareRight>()});
  return asked;
}

lore::Outcome outcome(double loss, int right) {
  return {{{loss, 10, 0, 0}, {3 * loss, 10, 0, 0}}, {cases(right)}};
}

/// The report of an evaluation in a file, read again.
lore::Baseline report_of(const lore::Evaluation& evaluation, const TemporaryFolder& folder) {
  const auto path = folder / "report.json";
  std::ofstream(path) << lore::to_json(evaluation).dump();
  return lore::read_baseline(path);
}

}  // namespace

TEST_CASE("an adapter stands beside the deployed one, case by case") {
  const TemporaryFolder folder;
  const lore::Questions asked = questions();
  lore::Evaluation deployed = lore::compare_outcomes(asked, outcome(20, 10), outcome(10, 40));
  deployed.adapter_name = "deployed";
  const lore::Baseline baseline = report_of(deployed, folder);
  lore::check_same_questions(baseline, asked);

  lore::Evaluation now = lore::compare_outcomes(asked, outcome(20, 10), outcome(5, 50));
  now.baseline = lore::compare_with_baseline(baseline, now, asked);
  CHECK(now.baseline->model == "deployed");
  CHECK(now.baseline->metrics.at("terms.share") == 0.4);
  CHECK(now.baseline->change.at("terms.share") == Approx(0.1));
  CHECK(now.baseline->change.at("loss") == Approx(-1));
  // Pairs: 1.96 * sqrt(0.1 * 0.9 / 100) = 0.059, where two samples apart would give 0.14.
  const lore::Interval interval = now.baseline->change_intervals.at("terms.share");
  CHECK(interval.low == Approx(0.1 - 0.059).margin(0.02));

  const lore::GatedNumbers numbers = lore::gated_numbers(now);
  const auto value = [&](const char* gate) {
    return lore::check_gate(lore::parse_gate(gate), numbers).value;
  };
  CHECK(value("vs_baseline.terms.share.low > 0") == interval.low);
  CHECK(value("baseline.terms.share[parity=even] > 0") == 0.4);
  CHECK(*value("terms.share[parity=*].vs_baseline > 0") == Approx(0.1));
  CHECK(value("loss[file=second.jsonl] > 0") == 1.5);
  CHECK(value("base.loss[file=data/second.jsonl] > 0") == 6);
  CHECK(value("vs_baseline.loss[file=first.jsonl] < 0") == -0.5);
}

TEST_CASE("a report of other questions is refused, and each of them is named") {
  const TemporaryFolder folder;
  const lore::Questions asked = questions();
  const lore::Baseline baseline =
      report_of(lore::compare_outcomes(asked, outcome(20, 10), std::nullopt), folder);
  const auto refusal = [&](const lore::Questions& other) -> std::string {
    try {
      lore::check_same_questions(baseline, other);
      return "";
    } catch (const lore::Error& error) {
      CHECK(error.kind() == lore::ErrorKind::kRefused);
      return error.what();
    }
  };
  lore::Questions other = questions();
  other.sources[1].identity = "hash of other windows";
  other.suites[0].identity = "hash of other questions";
  CHECK_THAT(refusal(other), Catch::Contains("data/second.jsonl, suite terms"));
  other = questions();
  other.sources.pop_back();
  CHECK_THAT(refusal(other), Catch::Contains("its 2 files, where 1 are scored now"));
  other = questions();
  other.sources[0].name = "elsewhere/first.jsonl";  // the same tokens
  CHECK(refusal(other).empty());
}
