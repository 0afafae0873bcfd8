#include "lore/eval/choices_suite.h"

#include "lore/core/error.h"
#include "support/catch.h"

namespace {

using Json = nlohmann::ordered_json;

lore::ChoiceQuestion read(const std::string& row) {
  return lore::read_choice_question({Json::parse(row), "c.jsonl:3"});
}

std::string why(const std::string& row) {
  try {
    read(row);
  } catch (const lore::Error& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a question gives its answer as an index or a text") {
  const auto question = read(R"({"id": 7, "query": "2 + 2 =", "choices": ["3", "4", "2"], "answer": 1,
                                 "groups": {"topic": "sums"}, "language": "en"})");
  CHECK(question.id == "7");
  CHECK(question.prompt == Json{{"prompt", "2 + 2 ="}});
  CHECK(question.delimiter == " ");
  CHECK(question.answer == 1);
  CHECK(question.groups == std::map<std::string, std::string>{{"topic", "sums"}, {"language", "en"}});
  // A text that is one of the choices is that one, whatever index it may spell.
  CHECK(read(R"({"query": "x", "choices": ["3", "4", "2"], "answer": "2"})").answer == 2);
  // The cells of a table are texts.
  CHECK(read(R"({"query": "x", "choices": "[\"a\", \"b\"]", "answer": "1"})").answer == 1);
  CHECK(read(R"({"query": "x", "choices": ["a", "b"], "answer": 0})").id == "c.jsonl:3");
}

TEST_CASE("messages have no delimiter unless they name one") {
  const auto question =
      read(R"({"messages": [{"role": "user", "content": "?"}], "choices": ["a", "b"], "answer": 0})");
  CHECK(question.delimiter.empty());
  CHECK(question.prompt.contains("messages"));
  CHECK(read(R"({"query": "x", "delimiter": "", "choices": ["a", "b"], "answer": 0})").delimiter.empty());
}

TEST_CASE("a question that cannot be asked says why") {
  const std::vector<std::pair<std::string, std::string>> bad{
      {R"({"choices": ["a", "b"], "answer": 0})", "has neither 'query' nor 'messages'"},
      {R"({"query": "x", "messages": [{"role": "user", "content": "?"}]})", "which is meant"},
      {R"({"query": "x", "answer": 0})", "choices: is missing"},
      {R"({"query": "x", "choices": ["a"], "answer": 0})", "choices: expected a list of at least two texts"},
      {R"({"query": "x", "choices": ["a", 2], "answer": 0})", "choices[1]: expected text, got a number"},
      {R"({"query": "x", "choices": ["a", " "], "answer": 0})", "choices[1]: is empty"},
      {R"({"query": "x", "choices": ["a", "a"], "answer": 0})", "choices[1]: 'a' is there twice"},
      {R"({"query": "x", "choices": ["a", "b"]})", "answer: is missing"},
      {R"({"query": "x", "choices": ["a", "b"], "answer": 2})",
       "answer: 2 is neither one of the choices nor"},
      {R"({"query": "x", "choices": ["a", "b"], "answer": -1})", "answer: -1 is neither"},
      {R"({"query": "x", "choices": ["a", "b"], "answer": "c"})", "answer: \"c\" is neither"},
      {R"({"query": "x", "choices": ["a", "b"], "answer": 0, "groups": {"topic": 1}})",
       "groups.topic: expected text"},
      {R"({"query": "x", "choices": ["a", "b"], "answer": 0, "groups": ["topic"]})",
       "groups: expected an object"},
      {R"({"query": "x", "delimiter": 1, "choices": ["a", "b"], "answer": 0})", "delimiter: expected text"}};
  for (const auto& [row, message] : bad) {
    CAPTURE(row, why(row));
    CHECK(why(row).find(message) != std::string::npos);
  }
}
