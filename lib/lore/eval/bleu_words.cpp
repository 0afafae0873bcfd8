#include "lore/eval/bleu_words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lore/core/utf8.h"
#include "lore/text/unicode.h"

namespace lore {
namespace {

using Words = std::vector<std::u32string>;

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }
bool is_stop(char32_t c) { return c == '.' || c == ','; }

/// Marks that are words wherever they stand.
bool is_mark(char32_t c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

/// What sacrebleu 2.6.0 calls Chinese. Its ranges of five hexadecimal digits are read as four digits and a
/// character, which makes them U+2001 to U+2A6D: general punctuation and symbols.
bool is_chinese(char32_t c) {
  constexpr std::array<std::pair<char32_t, char32_t>, 15> kRanges{{{0x2001, 0x2A6D},
                                                                   {0x2E80, 0x2FDF},
                                                                   {0x2FF0, 0x303F},
                                                                   {0x3100, 0x312F},
                                                                   {0x31A0, 0x31BF},
                                                                   {0x31C0, 0x31EF},
                                                                   {0x3200, 0x33FF},
                                                                   {0x3400, 0x4DB5},
                                                                   {0x4E00, 0x9FBB},
                                                                   {0xF900, 0xFA2D},
                                                                   {0xFA30, 0xFA6A},
                                                                   {0xFA70, 0xFAD9},
                                                                   {0xFE10, 0xFE1F},
                                                                   {0xFE30, 0xFE4F},
                                                                   {0xFF00, 0xFFEF}}};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [&](const auto& range) { return c >= range.first && c <= range.second; });
}

std::u32string characters_of(std::string_view text) {
  std::u32string characters;
  for (std::size_t position = 0; position < text.size();) {
    characters.push_back(next_character(text, position));
  }
  return characters;
}

std::u32string stripped(std::u32string text) {
  while (!text.empty() && is_whitespace(text.back())) {
    text.pop_back();
  }
  return text;
}

void replace_all(std::u32string& text, std::u32string_view from, std::u32string_view to) {
  for (std::size_t at = text.find(from); at != std::u32string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// Puts spaces at pairs of characters that do not overlap: before the second of a pair, and before the first
/// or behind the second.
template <class First, class Second>
std::u32string spaced_pairs(const std::u32string& text, First first, Second second, bool space_behind) {
  std::u32string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i + 1 == text.size() || !first(text[i]) || !second(text[i + 1])) {
      result.push_back(text[i]);
      continue;
    }
    if (!space_behind) {
      result.push_back(U' ');
    }
    result.push_back(text[i]);
    result.push_back(U' ');
    result.push_back(text[++i]);
    if (space_behind) {
      result.push_back(U' ');
    }
  }
  return result;
}

Words split(const std::u32string& text) {
  Words words;
  bool in_word = false;
  for (const char32_t c : text) {
    if (is_whitespace(c)) {
      in_word = false;
      continue;
    }
    if (!in_word) {
      words.emplace_back();
    }
    words.back().push_back(c);
    in_word = true;
  }
  return words;
}

/// The rules that both tokenizers share, one after another over the whole text.
Words words_of(const std::u32string& text) {
  std::u32string spaced;
  for (const char32_t c : text) {
    if (is_mark(c)) {
      spaced.append({U' ', c, U' '});
    } else {
      spaced.push_back(c);
    }
  }
  const auto is_no_digit = [](char32_t c) { return !is_digit(c); };
  spaced = spaced_pairs(spaced, is_no_digit, is_stop, /*space_behind=*/true);
  spaced = spaced_pairs(spaced, is_stop, is_no_digit, /*space_behind=*/false);
  spaced = spaced_pairs(
      spaced, is_digit, [](char32_t c) { return c == '-'; }, /*space_behind=*/true);
  return split(spaced);
}

}  // namespace

Words bleu_words_13a(std::string_view text) {
  std::u32string line = stripped(characters_of(text));
  replace_all(line, U"<skipped>", U"");
  replace_all(line, U"-\n", U"");
  replace_all(line, U"\n", U" ");
  replace_all(line, U"&quot;", U"\"");
  replace_all(line, U"&amp;", U"&");
  replace_all(line, U"&lt;", U"<");
  replace_all(line, U"&gt;", U">");
  return words_of(U' ' + line + U' ');
}

Words bleu_words_zh(std::string_view text) {
  std::u32string line = stripped(characters_of(text));
  line.erase(
      0, static_cast<std::size_t>(std::find_if_not(line.begin(), line.end(), is_whitespace) - line.begin()));
  std::u32string spaced;
  for (const char32_t c : line) {
    if (is_chinese(c)) {
      spaced.append({U' ', c, U' '});
    } else {
      spaced.push_back(c);
    }
  }
  return words_of(spaced);
}

}  // namespace lore
