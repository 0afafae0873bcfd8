// Pieces are those that tokenizers 0.22.2 gives. No merges here: what a piece is shows in what an added
// token, or a merge that would cross its border, does not do.

#include "lore/text/pre_tokenizer.h"

#include "support/catch.h"
#include "unit/text/small_tokenizer.h"

namespace {

using Parts = std::vector<std::string>;

Parts split(const nlohmann::json& description, std::string_view text) {
  lore::Pieces all;
  const lore::AlignedText& whole = all.add_text(text, std::size_t{0});
  all.add({&whole, 0, text.size(), std::nullopt});
  lore::make_pre_tokenizer(description, "pre_tokenizer", false).step->apply(all);
  Parts parts;
  for (const lore::Piece& piece : all.list()) parts.emplace_back(piece.text());
  return parts;
}

nlohmann::json split_step(const nlohmann::json& pattern, std::string_view behavior, bool invert) {
  return {{"type", "Split"}, {"pattern", pattern}, {"behavior", behavior}, {"invert", invert}};
}

}  // namespace

TEST_CASE("Split does with its matches what its behavior says") {
  const std::vector<std::pair<std::string, std::pair<Parts, Parts>>> cases = {
      {"Removed", {{"a", "b"}, {"a", "b"}}},
      {"Isolated", {{"-", "a", "-", "-", "b", "-"}, {"-", "a", "--", "b", "-"}}},
      {"MergedWithPrevious", {{"-", "a-", "-", "b-"}, {"-", "a--", "b-"}}},
      {"MergedWithNext", {{"-a", "-", "-b", "-"}, {"-a", "--b", "-"}}},
      {"Contiguous", {{"-", "a", "--", "b", "-"}, {"-", "a", "--", "b", "-"}}},
  };
  for (const auto& [behavior, expected] : cases) {
    INFO(behavior);
    CHECK(split(split_step({{"String", "-"}}, behavior, false), "-a--b-") == expected.first);
    CHECK(split(split_step({{"Regex", "\\w+"}}, behavior, true), "-a--b-") == expected.second);
  }
}

TEST_CASE("Llama 3's pattern splits words, numbers, punctuation and white space") {
  const std::string pattern =
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  CHECK(split(split_step({{"Regex", pattern}}, "Isolated", false), "I'LL pay 12345 元!!\n\n  ok   ") ==
        Parts{"I", "'LL", " pay", " ", "123", "45", " 元", "!!\n\n", " ", " ok", "   "});
}

TEST_CASE("Digits splits numbers into digits or keeps them together") {
  CHECK(split({{"type", "Digits"}, {"individual_digits", true}}, "a12²") == Parts{"a", "1", "2", "²"});
  CHECK(split({{"type", "Digits"}, {"individual_digits", false}}, "a12²b") == Parts{"a", "12²", "b"});
}

TEST_CASE("Whitespace, WhitespaceSplit, Punctuation and CharDelimiterSplit") {
  CHECK(split({{"type", "Whitespace"}}, "it's 你好!!\u3000x") == Parts{"it", "'", "s", "你好", "!!", "x"});
  CHECK(split({{"type", "WhitespaceSplit"}}, " it's\u3000 x") == Parts{"it's", "x"});
  CHECK(split({{"type", "Punctuation"}, {"behavior", "Isolated"}}, "a,b。c") ==
        Parts{"a", ",", "b", "。", "c"});
  CHECK(split({{"type", "CharDelimiterSplit"}, {"delimiter", "e"}}, "geese") == Parts{"g", "s"});
}

TEST_CASE("Metaspace marks spaces and puts one in front as its scheme says") {
  auto metaspace = [](std::string_view scheme, bool splits) {
    return nlohmann::json{
        {"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", scheme}, {"split", splits}};
  };
  CHECK(split(metaspace("always", true), "a  b") == Parts{"▁a", "▁", "▁b"});
  CHECK(split(metaspace("first", false), "a  b") == Parts{"▁a▁▁b"});
  CHECK(split(metaspace("never", false), "a  b") == Parts{"a▁▁b"});
  CHECK(split(metaspace("always", false), " a") == Parts{"▁a"});
}

TEST_CASE("ByteLevel writes each byte as a character") {
  CHECK(split({{"type", "ByteLevel"}, {"add_prefix_space", true}, {"use_regex", true}}, "a 你") ==
        Parts{"Ġa", "Ġä½ł"});
}

TEST_CASE("a Sequence runs its steps in order") {
  nlohmann::json steps = {{{"type", "Digits"}, {"individual_digits", true}},
                          {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}};
  CHECK(split({{"type", "Sequence"}, {"pretokenizers", steps}}, "in 2024") ==
        Parts{"in", "Ġ", "2", "0", "2", "4"});
}
