#include "lore/corpus/row_form.h"

#include <fmt/format.h>

#include "lore/core/error.h"
#include "support/catch.h"

namespace {

using Json = nlohmann::ordered_json;

lore::SourceSpec spec(const std::string& format,
                      std::vector<std::pair<std::string, std::string>> columns = {}) {
  lore::SourceSpec source;
  source.format = format;
  source.columns = std::move(columns);
  return source;
}

Json formed(const std::string& row, const lore::SourceSpec& source = {}) {
  const auto rows = lore::RowForm(source).apply({Json::parse(row), "a.jsonl:7"});
  REQUIRE(rows.size() == 1);
  REQUIRE(rows[0].source == "a.jsonl:7");
  return rows[0].value;
}

std::string why(const std::string& row, const lore::SourceSpec& source = {}) {
  try {
    lore::RowForm(source).apply({Json::parse(row), "a.jsonl:7"});
  } catch (const lore::Error& error) {
    REQUIRE(error.kind() == lore::ErrorKind::kInput);
    return error.what();
  }
  return "accepted";
}

std::string why_not(const lore::SourceSpec& source) {
  try {
    const lore::RowForm form(source);
  } catch (const lore::Error& error) {
    REQUIRE(error.kind() == lore::ErrorKind::kUsage);
    return error.what();
  }
  return "accepted";
}

void check_holds(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) {
    CAPTURE(text, part);
    CHECK(text.find(part) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("messages pass with their weights, tools and template arguments, and nothing else does") {
  const std::string messages =
      R"([{"role":"user","content":"a"},{"role":"assistant","content":"b","weight":0},)"
      R"({"role":"user","content":null},{"role":"assistant","content":"c","weight":1}])";
  CHECK(formed(R"({"topic": 1, "messages": )" + messages +
               R"(, "tools": [{"type":"function"}], "chat_template_kwargs": {"thinking": true}})") ==
        Json::parse(R"({"messages": )" + messages +
                    R"(, "tools": [{"type":"function"}], "chat_template_kwargs": {"thinking": true}})"));
  CHECK(formed(R"({"messages": )" + messages + R"(, "tools": null, "chat_template_kwargs": ""})") ==
        Json::parse(R"({"messages": )" + messages + "}"));
  // A template tells an empty list of tools from none.
  CHECK(formed(R"({"messages": )" + messages + R"(, "tools": []})")["tools"] == Json::array());
}

TEST_CASE("cells of a table hold JSON as text") {
  const Json cells = {{"messages", R"([{"role":"user","content":"a"},{"role":"assistant","content":"b"}])"},
                      {"tools", "[]"}};
  CHECK(formed(cells.dump())["messages"][1]["content"] == "b");
  check_holds(why(R"({"messages": "[{"})"), {"messages: column", "not valid JSON"});
  const Json pair = {{"prompt", R"([{"role":"user","content":"a"}])"},
                     {"completion", R"([{"role":"assistant","content":"b"}])"}};
  CHECK(formed(pair.dump())["completion"][0]["content"] == "b");
  CHECK(formed(R"({"prompt": "[1, 2]", "completion": "[3]"})")["prompt"] == "[1, 2]");
}

TEST_CASE("ShareGPT rows become messages") {
  CHECK(formed(R"({"system": "S", "conversations": [{"from": "Human", "value": "a"},
                   {"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"x\": 1}}"},
                   {"from": "observation", "value": "2"}, {"from": "gpt", "value": "b", "loss": false},
                   {"from": "user", "value": "c"}, {"from": "bard", "value": "d", "weight": 1}]})") ==
        Json::parse(R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "a"},
                   {"role": "assistant", "content": "", "tool_calls":
                     [{"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}]},
                   {"role": "tool", "content": "2"}, {"role": "assistant", "content": "b", "weight": 0},
                   {"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "weight": 1}]})"));
  CHECK(formed(
            R"({"conversations": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})")
            ["messages"][1]["content"] == "b");
}

TEST_CASE("a system column goes before the messages, once") {
  const std::string rest = R"({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})";
  CHECK(formed(R"({"system": "S", "messages": [)" + rest)["messages"][0]["content"] == "S");
  CHECK(formed(R"({"system": "S", "messages": [{"role": "system", "content": "S"}, )" + rest)["messages"]
            .size() == 3);
  check_holds(why(R"({"system": "S", "messages": [{"role": "system", "content": "T"}, )" + rest),
              {"which is meant?"});
}

TEST_CASE("function calls from before there were tools become tool calls") {
  const Json row = formed(
      R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": null,
          "function_call": {"name": "f", "arguments": "{}"}}, {"role": "function", "name": "f", "content": "1"}]})");
  CHECK(row["messages"][1]["tool_calls"][0]["function"]["name"] == "f");
  CHECK(!row["messages"][1].contains("function_call"));
  CHECK(row["messages"][2]["role"] == "tool");
}

TEST_CASE("Alpaca rows become messages as LLaMA-Factory makes them") {
  CHECK(formed(R"({"instruction": "i", "input": "", "output": "o"})") ==
        Json::parse(R"({"messages": [{"role":"user","content":"i"},{"role":"assistant","content":"o"}]})"));
  CHECK(formed(
            R"({"instruction": "i", "input": "x", "output": "o", "system": "s", "history": [["q", "a"]]})") ==
        Json::parse(R"({"messages": [{"role":"system","content":"s"},{"role":"user","content":"q"},
          {"role":"assistant","content":"a"},{"role":"user","content":"i\nx"},{"role":"assistant","content":"o"}]})"));
  CHECK(
      formed(
          R"({"instruction": "", "input": "x", "output": "o", "history": "[]"})")["messages"][0]["content"] ==
      "x");
}

TEST_CASE("texts keep their white space") {
  CHECK(formed(R"({"prompt": "a ", "completion": " b\n"})") ==
        Json::parse(R"({"prompt": "a ", "completion": " b\n"})"));
  CHECK(formed(R"({"prompt": "", "completion": "b"})") ==
        Json::parse(R"({"prompt": "", "completion": "b"})"));
  CHECK(formed(R"({"text": " a\n"})") == Json::parse(R"({"text": " a\n"})"));
}

TEST_CASE("columns give a source's own names") {
  const auto pair = spec("auto", {{"prompt", "question"}, {"completion", "answer"}});
  CHECK(formed(R"({"question": "q", "answer": "a"})", pair) ==
        Json::parse(R"({"prompt": "q", "completion": "a"})"));
  CHECK(formed(R"({"instruction": "q", "response": "a"})",
               spec("prompt_completion",
                    {{"prompt", "instruction"}, {"completion", "response"}}))["prompt"] == "q");
  // Names may change places.
  CHECK(formed(R"({"prompt": "a", "completion": "q"})",
               spec("auto", {{"prompt", "completion"}, {"completion", "prompt"}})) ==
        Json::parse(R"({"prompt": "q", "completion": "a"})"));
  check_holds(why(R"({"question": "q", "Answer": "a"})", pair),
              {"answer: the row lacks", "its keys: question, Answer"});
}

TEST_CASE("columns that no format has are refused before any row is read") {
  check_holds(why_not(spec("auto", {{"promt", "q"}})), {"columns: 'promt'", "did you mean 'prompt'"});
  check_holds(why_not(spec("alpaca", {{"prompt", "q"}})), {"'prompt' is no column of the format alpaca"});
  check_holds(why_not(spec("auto", {{"prompt", "q"}, {"completion", "q"}})),
              {"'q' is named for two columns"});
  check_holds(why_not(spec("sharegtp")), {"format: 'sharegtp'", "did you mean 'sharegpt'"});
  lore::SourceSpec templates = spec("text");
  templates.templates = {"definition"};
  check_holds(why_not(templates), {"templates: belongs to the format glossary"});
  CHECK(why_not(spec("glossary", {{"translation.en", "English"}, {"term", "中文"}})) == "accepted");
}

TEST_CASE("rows of two formats are refused unless the source says which is meant") {
  const std::string both = R"({"messages": [{"role":"user","content":"a"},{"role":"assistant","content":"b"}],
                               "prompt": "p", "completion": "c"})";
  check_holds(why(both), {"messages (messages) and prompt_completion (prompt, completion)", "`format`"});
  CHECK(formed(both, spec("prompt_completion")) == Json::parse(R"({"prompt": "p", "completion": "c"})"));
  check_holds(why(R"({"instruction": "i", "output": "o", "text": "t"})"), {"alpaca", " and text (text)"});
  // An empty cell is no form, and a term alone no glossary.
  CHECK(formed(R"({"messages": null, "text": "", "prompt": "p", "completion": "c"})").contains("prompt"));
  CHECK(formed(R"({"term": "risk-001", "text": "t"})") == Json::parse(R"({"text": "t"})"));
}

TEST_CASE("rows of no format name their keys and the nearest format") {
  check_holds(why(R"({"mesages": [], "id": 1})"),
              {"its keys: mesages, id", "nearest format is messages", "is 'mesages' meant as 'messages'?"});
  check_holds(why(R"({"instruction": "a", "result": "b"})"),
              {"nearest format is alpaca, which lacks output"});
  check_holds(why(R"({"question": "a", "answer": "b"})"),
              {"columns: { prompt: question, completion: answer }"});
  check_holds(why(R"({"term": "a"})"), {"nearest format is glossary, which lacks definition"});
  check_holds(why("{}"), {"its keys: none"});
  check_holds(why(R"({"a": 1})", spec("text")), {"lacks text of the format text; its keys: a"});
}

TEST_CASE("rows that would train nothing are bad") {
  check_holds(why(R"({"prompt": "a", "completion": " \n"})"), {"completion: is empty"});
  check_holds(why(R"({"prompt": null, "completion": "b"})"), {"lacks prompt"});
  check_holds(why(R"({"prompt": "a", "completion": null})"), {"lacks completion"});
  check_holds(why(R"({"prompt": "a", "completion": 4})"), {"completion: expected text, got a number"});
  check_holds(why(R"({"prompt": [{"role":"user","content":"a"}], "completion": "b"})"), {"a list and text"});
  check_holds(why(R"({"text": "　\n"})"), {"text: is empty"});
  check_holds(why(R"({"messages": []})"), {"messages: is an empty list"});
  check_holds(why(R"({"messages": {}})"), {"messages: expected a list of messages, got an object"});
  check_holds(why(R"({"messages": ["hi"]})"), {"messages[0]: expected an object"});
  check_holds(why(R"({"messages": [{"role":"user","content":"a"}]})"),
              {"messages: has no message of the assistant"});
  check_holds(why(R"({"messages": [{"role":"user","content":"a"},{"role":"assistant","content":""}]})"),
              {"messages[1]: the assistant says nothing"});
  check_holds(
      why(R"({"messages": [{"role":"user","content":"a"},{"role":"assistant","content":"b","weight":0}]})"),
      {"all have weight 0"});
  check_holds(why(R"({"conversations": [{"from":"human","value":"a"},{"from":"gtp","value":"b"}]})"),
              {"conversations[1]: 'from' is 'gtp'", "did you mean 'gpt'"});
  check_holds(why(R"({"conversations": [{"from":"human"}]})"), {"conversations[0]: has no 'value'"});
  check_holds(why(R"({"conversations": [{"from":"human","value":"a"},{"from":"function_call","value":"f"
}]
})"),
              {"conversations[1]: function_call: column"});
  check_holds(
      why(R"({"system": "s", "conversations": [{"from":"system","value":"t"},{"from":"gpt","value":"b"}]})"),
      {"system: the conversation begins with a system message of its own"});
  check_holds(why(R"({"instruction": "", "input": null, "output": "o"})"), {"instruction: is empty"});
  check_holds(why(R"({"instruction": "i", "output": ["a", "b"]})"), {"output: expected text, got a list"});
  check_holds(why(R"({"instruction": "i", "output": "o", "history": [["a"]]})"),
              {"history[0]: expected a pair"});
  check_holds(why(R"({"prompt": "a", "completion": "b", "tools": "{}"})"), {"tools: expected a list"});
  check_holds(why(R"({"prompt": "a", "completion": "b", "chat_template_kwargs": [1]})"),
              {"chat_template_kwargs: expected an object"});
}
