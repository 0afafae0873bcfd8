#include "lore/tasks/tokenizer_agreement.h"

#include <algorithm>
#include <array>
#include <vector>

namespace lore {
namespace {

constexpr std::array<const char*, 17> kTexts{
    "Hello world",
    " a risk-control threshold, set at 1,250.75 in 2024-03-31; it's 100% \"final\".",
    "We'll see: I've, you're, he'd, SHE'S, can't.",
    "供应链弹性是指企业在供应中断时维持交付的能力。",
    "风控阈值（threshold）为0.85，超过12345678次。",
    "在庫の回転期間は45.6日から38.2日に短縮された。 안녕하세요 세계",
    "Der Vertrag verlängert sich; el año próximo; où ça; ЁЖИК в тумане; שלום; مرحبا",
    "def total(items):\n    return sum(i[\"price\"] * 2 for i in items)\n\n\n# end",
    "tabs\t\tand   runs     of spaces  \r\n and lines \n\n",
    "emoji \xF0\x9F\x98\x80\xF0\x9F\x91\x8D\xF0\x9F\x8F\xBD and \xF0\x9F\x87\xA9\xF0\x9F\x87\xAA, a rune "
    "\xE1\x9A\xA0",
    "camelCaseWords snake_case_words UPPER x==y a->b http://example.com/?q=1&r=2",
    "0 1 12 123 1234 12345 3.14159 1e-5 \xC2\xBD \xC2\xB2 \xD9\xA1\xD9\xA2\xD9\xA3",
    "$100 + \xE2\x82\xAC"
    "200 = \xC2\xA5"
    "300?!... (a) [b] {c} <d> | ~ ^ `e`",
    "x",
    " ",
    "\n",
    "",
};

}  // namespace

std::optional<TokenizerDifference> tokenizer_difference(const Tokenizer& one, const Tokenizer& other) {
  std::vector<TokenizerDifference> texts;
  texts.reserve(kTexts.size());
  for (const char* text : kTexts) {
    texts.push_back({text, *text != ' '});
  }
  // What is plain comes first: there a difference weighs more.
  std::stable_partition(texts.begin(), texts.end(), [](const auto& text) { return text.plain; });
  for (const auto& [name, token] : one.special_tokens().by_name) {
    texts.push_back({token, false});
    texts.push_back({"one " + token + "two" + token + " three\n" + token + "\nfour", false});
  }
  for (TokenizerDifference& text : texts) {
    for (const bool add_special_tokens : {false, true}) {
      if (one.encode(text.text, add_special_tokens) != other.encode(text.text, add_special_tokens)) {
        return std::move(text);
      }
    }
  }
  return std::nullopt;
}

}  // namespace lore
