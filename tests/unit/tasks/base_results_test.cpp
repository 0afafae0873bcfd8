#include "lore/tasks/base_results.h"

#include <cmath>
#include <filesystem>

#include "support/catch.h"
#include "support/temporary_folder.h"

TEST_CASE("what a base gave comes back bit by bit, for the same base and the same questions alone") {
  const TemporaryFolder folder;
  const lore::Memo memo(folder / "cache");
  const lore::BaseResults results(memo, {{"files", "a"}});
  results.keep("text", lore::LanguageScore{0.1 + 0.2, 7, 11, 3});
  results.keep("suite", std::vector<lore::SuiteCase>{{"风控",
                                                      {{"domain", "law"}},
                                                      {{"margin", 1.0 / 3}, {"none", std::nan("")}},
                                                      {{"pairs", 3}},
                                                      {{"q", 1}}}});
  const auto score = results.find_score("text");
  REQUIRE(score);
  CHECK(score->loss_sum == 0.1 + 0.2);
  CHECK(score->tokens == 7);
  CHECK(score->bytes == 11);
  CHECK(score->words == 3);
  const auto cases = results.find_cases("suite");
  REQUIRE(cases);
  CHECK(cases->front().id == "风控");
  CHECK(cases->front().groups.at("domain") == "law");
  CHECK(cases->front().values.at("margin") == 1.0 / 3);
  CHECK(std::isnan(cases->front().values.at("none")));
  CHECK(cases->front().counts == lore::Metrics{{"pairs", 3}});
  CHECK(cases->front().detail == nlohmann::ordered_json{{"q", 1}});
  CHECK_FALSE(results.find_score("another text"));
  CHECK_FALSE(lore::BaseResults(memo, {{"files", "b"}}).find_score("text"));
  CHECK_FALSE(lore::BaseResults(lore::Memo(""), {{"files", "a"}}).find_score("text"));
}
