#include "lore/eval/term_questions.h"

#include "lore/core/error.h"
#include "lore/eval/term_changes.h"
#include "lore/eval/terms_suite.h"
#include "support/catch.h"

namespace {

using Json = nlohmann::ordered_json;
using Strings = std::vector<std::string>;

std::vector<lore::GlossaryTerm> glossary() {
  return {lore::read_glossary_term(
      {Json::parse(R"({"id": "risk-003", "term": "风险偏好", "definition": "愿意承担的风险水平。",
        "translations": {"en": "risk appetite"}, "definitions": {"en": "The risk it is willing to take."},
        "forbidden": {"zh": ["风险胃口"], "en": ["risk preference", "risk liking"]}, "domain": "risk"})"),
       "g.jsonl:1"})};
}

lore::TermQuestion read(const std::string& row) {
  const auto terms = glossary();
  return lore::read_term_question({Json::parse(row), "q.jsonl:2"}, terms, lore::TermMatcher(terms));
}

std::string why(const std::string& row) {
  try {
    read(row);
  } catch (const lore::Error& error) {
    return error.what();
  }
  return "accepted";
}

lore::SuiteResult of_terms(const std::string& metric,
                           const std::map<std::string, std::pair<double, double>>& terms) {
  lore::SuiteResult result;
  result.kind = "terms";
  for (const auto& [term, numbers] : terms) {
    result.groups["term"][term] = {1, {{{metric, numbers.second}}, {{metric, numbers.first}}, {}}};
  }
  return result;
}

Strings names(const std::vector<lore::TermChange>& changes) {
  Strings list;
  for (const lore::TermChange& change : changes) {
    list.push_back(change.term);
  }
  return list;
}

}  // namespace

TEST_CASE("the right term competes where the right answer has it") {
  const auto question =
      read(R"({"term": "risk-003", "messages": [{"role": "user", "content": "董事会批准什么？"},
      {"role": "assistant", "content": "董事会批准風險偏好，每年一次。"}], "topic": "board"})");
  CHECK(question.begun == "董事会批准");
  CHECK(question.right == "风险偏好");
  CHECK(question.forbidden == Strings{"风险胃口"});
  CHECK(question.prompt["messages"].size() == 1);
  CHECK(question.direction.empty());
  CHECK(question.groups ==
        std::map<std::string, std::string>{
            {"term", "风险偏好"}, {"language", "zh"}, {"domain", "risk"}, {"topic", "board"}});
}

TEST_CASE("forms begin with a capital where the right answer's does") {
  const auto question = read(R"({"term": "风险偏好", "prompt": "What does the board approve?",
      "completion": "Risk appetites are approved by the board."})");
  CHECK(question.begun.empty());
  CHECK(question.right == "Risk appetite");
  CHECK(question.forbidden == Strings{"Risk preference", "Risk liking"});
  CHECK(question.language == "en");
}

TEST_CASE("a question with the term in the other language is a translation") {
  CHECK(read(R"({"term": "risk-003", "prompt": "风险偏好的英文？", "completion": "It is risk appetite."})")
            .direction == "zh_en");
  CHECK(read(R"({"term": "risk-003", "prompt": "Chinese for risk appetite?", "completion": "风险偏好"})")
            .direction == "en_zh");
}

TEST_CASE("an answer without the term has no place where forms compete") {
  const auto question = read(R"({"term": "risk-003", "prompt": "x", "completion": "由董事会批准。"})");
  CHECK(question.right.empty());
  CHECK(question.language == "zh");
}

TEST_CASE("a row that is no question says why") {
  const std::vector<std::pair<std::string, std::string>> bad{
      {R"({"prompt": "x", "completion": "y"})", "term: is missing"},
      {R"({"term": "risk-033", "prompt": "x", "completion": "y"})",
       "'risk-033' is no id and no term of the glossary"},
      {R"({"term": "risk-003", "prompt": "x"})", "completion: is missing"},
      {R"({"term": "risk-003", "messages": [{"role": "user", "content": "x"}]})",
       "ends with the right answer"},
      {R"({"term": "risk-003", "messages": []})", "messages"}};
  for (const auto& [row, message] : bad) {
    CAPTURE(row, why(row));
    CHECK(why(row).find(message) != std::string::npos);
  }
}

TEST_CASE("a glossary makes questions of naming, definition and translation in each language") {
  const auto terms = glossary();
  const auto questions = lore::make_term_questions(terms);
  REQUIRE(questions.size() == 6);
  Strings ids;
  for (const lore::TermQuestion& question : questions) {
    ids.push_back(question.id);
  }
  CHECK(ids == Strings{"risk-003 naming zh", "risk-003 definition zh", "risk-003 translation en",
                       "risk-003 naming en", "risk-003 definition en", "risk-003 translation zh"});
  CHECK(questions[0].reference == "风险偏好");
  CHECK(questions[0].prompt["messages"][0]["content"].get<std::string>().find("愿意承担的风险水平。") !=
        std::string::npos);
  CHECK(questions[2].direction == "zh_en");
  CHECK(questions[2].right == "risk appetite");
  CHECK(questions[2].forbidden == Strings{"risk preference", "risk liking"});
  CHECK(questions[4].reference == "The risk it is willing to take.");
  CHECK(questions[4].right.empty());
  CHECK(questions[5].reference == "风险偏好");
}

TEST_CASE("the metrics of terms are means, and BLEU and chrF of all answers together") {
  const lore::TermsSuite suite(glossary(), {}, 0);
  lore::SuiteCase first{"1", {}, {{"margin", 1.5}, {"margin_accuracy", 1}}, {}, {}};
  lore::SuiteCase second{"2", {}, {{"margin", -0.5}, {"margin_accuracy", 0}, {"recall", 1}}, {}, {}};
  const std::vector<const lore::SuiteCase*> both{&first, &second};
  const lore::Metrics metrics = suite.metrics(both);
  CHECK(metrics == lore::Metrics{{"margin", 0.5}, {"margin_accuracy", 0.5}, {"recall", 1}});
}

TEST_CASE("terms are gained and lost, the largest change first") {
  const auto by_margin = lore::term_changes(of_terms(
      "margin",
      {{"a", {-1, 1}}, {"b", {-1, 2}}, {"c", {0.5, -0.1}}, {"d", {1, 9}}, {"e", {-9, -1}}, {"f", {0, 0.1}}}));
  REQUIRE(by_margin.size() == 1);
  CHECK(by_margin[0].metric == "margin");
  CHECK(names(by_margin[0].gained) == Strings{"b", "a", "f"});
  CHECK(names(by_margin[0].lost) == Strings{"c"});
  const auto by_recall =
      lore::term_changes(of_terms("recall", {{"a", {0, 0.5}}, {"b", {1, 0}}, {"c", {1, 1}}}));
  REQUIRE(by_recall.size() == 1);
  CHECK(names(by_recall[0].gained) == Strings{"a"});
  CHECK(names(by_recall[0].lost) == Strings{"b"});
  CHECK(lore::term_changes(of_terms("recall", {{"c", {1, 1}}})).empty());
}
