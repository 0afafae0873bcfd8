#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// What stands between a unit and the one before it.
enum class UnitGap { kNone, kSpace, kHyphen };

/// A piece of a text that is compared as one, folded: a word, a Chinese character, a mark.
struct TextUnit {
  std::u32string text;  ///< folded_text, with simplified Chinese characters
  bool is_word;         ///< of letters and digits other than Chinese ones
  UnitGap gap;
  std::size_t begin;  ///< bytes [begin, end) of the text
  std::size_t end;
};

/// The units of a text. Chinese characters, and those of other scripts written without spaces, are units of
/// their own.
std::vector<TextUnit> text_units(std::string_view text);

}  // namespace lore
