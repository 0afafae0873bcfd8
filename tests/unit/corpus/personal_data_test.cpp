#include "lore/corpus/personal_data.h"

#include <fmt/format.h>

#include <fstream>

#include "support/catch.h"

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kOpen = "⟦";
constexpr std::string_view kClose = "⟧";

std::string without(std::string text, std::string_view sign) {
  for (std::size_t at = text.find(sign); at != std::string::npos; at = text.find(sign)) {
    text.erase(at, sign.size());
  }
  return text;
}

/// The text with signs around what is found, and the kinds.
std::pair<std::string, std::string> marked(const std::string& text) {
  std::string result = text;
  std::string kinds;
  const auto spans = lore::find_personal_data(text);
  for (auto span = spans.rbegin(); span != spans.rend(); ++span) {
    result.insert(span->end, kClose);
    result.insert(span->begin, kOpen);
    kinds = std::string(lore::name_of(span->kind)) + (kinds.empty() ? "" : ",") + kinds;
  }
  return {kinds.empty() ? "-" : kinds, result};
}

}  // namespace

TEST_CASE("personal data is found where it is and nowhere else") {
  std::ifstream table(LORE_SOURCE_DIR "/tests/unit/corpus/personal_data.tsv");
  std::string line;
  int cases = 0;
  while (std::getline(table, line)) {
    if (line.starts_with('#')) {
      continue;
    }
    const std::size_t tab = line.find('\t');
    const std::string wanted = line.substr(tab + 1);
    const std::string text = without(without(wanted, kOpen), kClose);
    for (const auto& [before, after] :
         {std::pair<std::string, std::string>{"", ""}, {"见下：", "。"}, {"See (", ")."}, {"x\n", "\ny"}}) {
      const auto [kinds, found] = marked(before + text + after);
      CHECK(kinds + "\t" + found == line.substr(0, tab) + "\t" + before + wanted + after);
    }
    ++cases;
  }
  CHECK(cases >= 150);
}

TEST_CASE("any bytes are a text") {
  std::string text = "13800138000";
  for (int i = 0; i < 256; ++i) {
    text += static_cast<char>(i);
    text += "１2@";
  }
  CHECK(lore::find_personal_data(text).front().end == 11);
  CHECK(lore::find_personal_data("").empty());
  CHECK(lore::find_personal_data("1\xEF\xBC").empty());
  CHECK(lore::find_personal_data(std::string(100000, '1')).empty());
  CHECK(lore::find_personal_data(std::string(100000, '@')).empty());
}

TEST_CASE("all that a model sees of a row is masked, and nothing else") {
  Json row = Json::parse(R"({"messages": [
      {"role": "user", "content": "我是13800138000，邮箱a@b.com"},
      {"role": "user", "content": [{"type": "text", "text": "id 13800138000"}]},
      {"role": "assistant", "content": null, "tool_calls": [{"id": "13800138000", "type": "function",
        "function": {"name": "f", "arguments": "{\"phone\": 13800138000, \"id\": \"13800138000\", \"n\": 5}"}}]},
      {"role": "assistant", "content": null, "tool_calls": [{"type": "function",
        "function": {"name": "f", "arguments": {"mobile": 13800138000, "amount": 13800138000}}}]},
      {"role": "tool", "tool_call_id": "13800138000", "content": "ok"}],
    "source": "13800138000"})");
  const Json original = row;
  const lore::PersonalDataCounts counts = lore::count_personal_data(row);
  CHECK(row == original);
  CHECK(counts.describe() == "5 phone, 1 email");
  CHECK(lore::mask_personal_data(row) == counts);
  CHECK(row == Json::parse(R"({"messages": [
      {"role": "user", "content": "我是[PHONE]，邮箱[EMAIL]"},
      {"role": "user", "content": [{"type": "text", "text": "id [PHONE]"}]},
      {"role": "assistant", "content": null, "tool_calls": [{"id": "13800138000", "type": "function",
        "function": {"name": "f", "arguments": "{\"phone\":\"[PHONE]\",\"id\":\"[PHONE]\",\"n\":5}"}}]},
      {"role": "assistant", "content": null, "tool_calls": [{"type": "function",
        "function": {"name": "f", "arguments": {"mobile": "[PHONE]", "amount": 13800138000}}}]},
      {"role": "tool", "tool_call_id": "13800138000", "content": "ok"}],
    "source": "13800138000"})"));
  CHECK(lore::count_personal_data(row).empty());
}

TEST_CASE("pairs and plain text are masked, too") {
  Json pair = {{"prompt", "a@b.com"},
               {"completion", Json::array({{{"role", "assistant"}, {"content", "a@b.com"}}})}};
  CHECK(lore::mask_personal_data(pair).describe() == "2 email");
  CHECK(pair["completion"][0]["content"] == "[EMAIL]");
  Json text = {{"text", "SSN 123-45-6789, (415) 555-2671"}};
  CHECK(lore::mask_personal_data(text).describe() == "1 phone, 1 id_card");
  CHECK(text["text"] == "SSN [ID_CARD], [PHONE]");
}
