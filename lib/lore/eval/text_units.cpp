#include "lore/eval/text_units.h"

#include <utf8proc.h>

#include "lore/corpus/folded_text.h"
#include "lore/corpus/simplified_chinese.h"

namespace lore {
namespace {

/// Ideographs, kana: scripts that put nothing between words.
bool is_unspaced(char32_t c) {
  return (c >= 0x2E80 && c <= 0x2FDF) || (c >= 0x3005 && c <= 0x3007) || (c >= 0x3040 && c <= 0x30FF) ||
         (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

bool is_word_part(char32_t c) {
  if (c < 0x80) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  }
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO && !is_unspaced(c);
}

bool is_hyphen(char32_t c) { return c == '-' || c == 0xAD || (c >= 0x2010 && c <= 0x2015) || c == 0x2212; }

/// A hyphen inside a word: neither the dash of "A - B" nor the sign of "-5".
bool is_joining_hyphen(const std::vector<TracedCharacter>& characters, std::size_t i) {
  return is_hyphen(characters[i].character) && i > 0 && is_word_part(characters[i - 1].character) &&
         i + 1 < characters.size() && is_word_part(characters[i + 1].character);
}

bool is_apostrophe(char32_t c) { return c == '\'' || c == 0x2019; }

}  // namespace

std::vector<TextUnit> text_units(std::string_view text) {
  const std::vector<TracedCharacter> characters = folded_characters(text);
  std::vector<TextUnit> units;
  UnitGap gap = UnitGap::kNone;
  for (std::size_t i = 0; i < characters.size();) {
    const auto [character, begin, end] = characters[i];
    if (character == U' ' || is_joining_hyphen(characters, i)) {
      gap = character == U' ' ? UnitGap::kSpace : UnitGap::kHyphen;
      ++i;
      continue;
    }
    TextUnit unit{{}, is_word_part(character), gap, begin, end};
    gap = UnitGap::kNone;
    if (!unit.is_word) {
      unit.text.push_back(simplified_chinese(character));
      units.push_back(std::move(unit));
      ++i;
      continue;
    }
    const auto goes_on = [&](std::size_t at) {
      return at < characters.size() && is_word_part(characters[at].character);
    };
    while (goes_on(i) ||
           (i < characters.size() && is_apostrophe(characters[i].character) && goes_on(i + 1))) {
      unit.text.push_back(characters[i].character);
      unit.end = characters[i].end;
      ++i;
    }
    units.push_back(std::move(unit));
  }
  return units;
}

}  // namespace lore
