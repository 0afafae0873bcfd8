#include "lore/corpus/near_duplicates.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>
#include <span>

#include "lore/corpus/folded_text.h"
#include "support/catch.h"

namespace {

using Json = nlohmann::ordered_json;

lore::RowSignature signature(const Json& value, const std::string& source = "a.jsonl:1") {
  return lore::row_signature({value, source});
}

lore::RowSignature of_text(const std::string& text, std::size_t line) {
  return signature({{"text", text}}, fmt::format("a.jsonl:{}", line));
}

std::vector<lore::DuplicatePair> duplicates(std::span<const lore::RowSignature> rows) {
  return lore::find_duplicates(lore::SignatureList(rows));
}

std::vector<lore::DuplicatePair> leaks(std::span<const lore::RowSignature> training,
                                       std::span<const lore::RowSignature> validation) {
  return lore::find_leaks(lore::SignatureList(training), lore::SignatureList(validation));
}

std::set<std::u32string> shingles(const std::string& text) {
  const std::u32string folded = lore::folded_text(text);
  std::set<std::u32string> result;
  for (std::size_t i = 0; i + 5 <= folded.size(); ++i) {
    result.insert(folded.substr(i, 5));
  }
  return result;
}

double jaccard(const std::string& a, const std::string& b) {
  const auto first = shingles(a);
  const auto second = shingles(b);
  std::vector<std::u32string> both;
  std::set_intersection(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(first.size() + second.size() - both.size());
}

/// Words of Latin letters, or Chinese characters.
class TextMaker {
 public:
  explicit TextMaker(unsigned seed) : random_(seed) {}

  std::vector<std::string> words(std::size_t count, bool chinese) {
    std::vector<std::string> result;
    for (std::size_t i = 0; i < count; ++i) {
      result.push_back(word(chinese));
    }
    return result;
  }

  std::string word(bool chinese) {
    std::string text;
    for (std::size_t i = 0, n = chinese ? 2 : 2 + random_() % 7; i < n; ++i) {
      if (chinese) {
        const unsigned c = 0x4E00 + random_() % 3000;
        text += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 63)),
                 static_cast<char>(0x80 | (c & 63))};
      } else {
        text += static_cast<char>('a' + random_() % 26);
      }
    }
    return chinese ? text : text + " ";
  }

  std::size_t below(std::size_t n) { return random_() % n; }

 private:
  std::mt19937 random_;
};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += word;
  }
  return text;
}

}  // namespace

TEST_CASE("folding takes away what does not change what a text says") {
  CHECK(lore::folded_text("  ＡＢＣ１２３\t\r\n x​y　z ") == U"abc123 xy z");
  CHECK(lore::folded_text("ﬁne Straße 中文ｶ") == U"fine strasse 中文カ");
  CHECK(lore::folded_text("é") == lore::folded_text("e\xCC\x81"));
  CHECK(lore::folded_text("a\xFF"
                          "b") ==
        U"a\xFFFD"
        U"b");
  CHECK(lore::folded_text("\xE4\xB8") == U"\xFFFD\xFFFD");
  CHECK(lore::folded_text(" \n").empty());
}

TEST_CASE("a row counts with what user and assistant say, not with the system's words or its form") {
  const Json chat = {{"messages",
                      {{{"role", "system"}, {"content", "Be brief."}},
                       {{"role", "user"}, {"content", "What is risk?"}},
                       {{"role", "assistant"}, {"content", "Chance of loss."}}}}};
  Json other = chat;
  other["messages"][0]["content"] = "Answer at length.";
  CHECK(signature(chat).exact == signature(other).exact);
  CHECK(signature(chat).exact ==
        signature({{"prompt", "what is  RISK?"}, {"completion", "Chance of loss."}}).exact);
  other["messages"][1]["content"] = Json::array({{{"type", "text"}, {"text", "What is risk?"}}});
  CHECK(signature(chat).exact == signature(other).exact);
  other["messages"][2]["content"] = "Chance of gain.";
  CHECK(signature(chat).exact != signature(other).exact);
}

TEST_CASE("tool calls count by their arguments, not by their ids") {
  const auto call = [](const char* id, const char* arguments) {
    return signature(
        {{"messages",
          {{{"role", "user"}, {"content", "?"}},
           {{"role", "assistant"},
            {"content", nullptr},
            {"tool_calls", {{{"id", id}, {"function", {{"name", "f"}, {"arguments", arguments}}}}}}}}}});
  };
  CHECK(call("1", "{}").exact == call("2", "{}").exact);
  CHECK(call("1", "{}").exact != call("1", "{\"x\": 1}").exact);
}

TEST_CASE("near duplicates are found from 0.85 on, and nothing below 0.7 is one") {
  int alike = 0;
  int found = 0;
  int unlike = 0;
  int wrong = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    TextMaker maker(seed);
    const bool chinese = seed % 2 == 0;
    auto words = maker.words(8 + maker.below(seed % 3 == 0 ? 400 : 40), chinese);
    const std::string original = joined(words);
    for (std::size_t i = 0, edits = 1 + maker.below(1 + words.size() / 12); i < edits; ++i) {
      words[maker.below(words.size())] = maker.word(chinese);
    }
    const std::string edited = joined(words);
    const double truth = jaccard(original, edited);
    const std::vector<lore::RowSignature> rows = {of_text(original, 1), of_text(edited, 2)};
    const bool match = !duplicates(rows).empty();
    REQUIRE(match == !leaks({&rows[1], 1}, {rows.data(), 1}).empty());
    if (truth >= 0.85) {
      ++alike;
      found += match ? 1 : 0;
    } else if (truth < 0.7) {
      ++unlike;
      wrong += match ? 1 : 0;
    }
  }
  INFO(fmt::format("{} of {} found, {} of {} wrong", found, alike, wrong, unlike));
  CHECK(alike > 500);
  CHECK(unlike > 300);
  CHECK(found >= 0.99 * alike);
  CHECK(wrong == 0);
}

TEST_CASE("short texts are duplicates only where they are equal") {
  const std::vector<lore::RowSignature> rows = {
      of_text("风险偏好是什么？", 1), of_text("风险偏好是什麼？", 2), of_text(" 风险偏好是什么?", 3)};
  CHECK(duplicates(rows) == std::vector<lore::DuplicatePair>{{2, 0, 1, true}});
}

TEST_CASE("a row is paired with the first exact duplicate, and rows without text with none") {
  const std::string text = "The risk-control threshold is the critical value of a risk metric.";
  const std::vector<lore::RowSignature> rows = {of_text(text, 1), of_text(text + " Indeed", 2),
                                                of_text("", 3),   of_text(text, 4),
                                                of_text("", 5),   of_text(text + " INDEED", 6)};
  const auto pairs = duplicates(rows);
  REQUIRE(pairs.size() == 3);
  CHECK((pairs[0].row == 1 && pairs[0].other == 0 && !pairs[0].exact));
  CHECK(pairs[0].similarity > 0.785);
  CHECK(pairs[1] == lore::DuplicatePair{3, 0, 1, true});
  CHECK(pairs[2] == lore::DuplicatePair{5, 1, 1, true});
  CHECK(duplicates({}).empty());
  CHECK(leaks(rows, {}).empty());
}

TEST_CASE("what was made of one row is not compared with itself but exactly") {
  const std::string text = "The risk-control threshold is the critical value of a risk metric.";
  const std::vector<lore::RowSignature> rows = {of_text(text, 1), of_text(text + " Indeed", 1),
                                                of_text(text, 1)};
  CHECK(duplicates(rows) == std::vector<lore::DuplicatePair>{{2, 0, 1, true}});
  CHECK(leaks({&rows[1], 1}, {rows.data(), 1}).size() == 1);
}

TEST_CASE("signatures are found where they lie, in parts and some of them only") {
  const std::string text = "The risk-control threshold is the critical value of a risk metric.";
  const std::vector<lore::RowSignature> first = {of_text(text, 1), of_text("Another one", 2)};
  const std::vector<lore::RowSignature> second = {of_text(text, 3), of_text("Another one", 4)};
  const std::vector<std::int64_t> rows = {1, 2, 3};
  const lore::SignatureList list({first, {}, second}, rows);
  REQUIRE(list.size() == 3);
  CHECK(&list[0] == &first[1]);
  CHECK(&list[1] == &second[0]);
  CHECK(lore::find_duplicates(list) == std::vector<lore::DuplicatePair>{{2, 0, 1, true}});
  CHECK(lore::find_duplicates(lore::SignatureList({first, second}, {})).empty());
}

TEST_CASE("a near duplicate is found in a crowd of rows that share a band without being duplicates") {
  TextMaker maker(1);
  std::vector<lore::RowSignature> rows;
  for (std::size_t i = 0; i < 1000; ++i) {
    rows.push_back(of_text(joined(maker.words(60, false)), i));
    rows.back().bands[0] = 1;
    rows.back().bands[19] = 2;
  }
  const std::string text = joined(maker.words(60, false));
  rows[3] = of_text(text, 3);
  rows.push_back(of_text(text + "indeed", 1000));
  rows[3].bands[0] = rows.back().bands[0] = 1;
  const auto pairs = duplicates(rows);
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].row == 1000);
  CHECK(pairs[0].other == 3);
}
