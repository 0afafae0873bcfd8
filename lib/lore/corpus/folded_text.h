#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// `text` with differences that do not change what it says taken away: compatibility forms (full width, half
/// width, ligatures) decomposed as by NFKD, case folded, invisible characters left out, each run of white
/// space and control characters made one space, none at either end. Invalid UTF-8 becomes U+FFFD.
std::u32string folded_text(std::string_view text);

/// A character of a folded text, and the bytes [begin, end) of the text that it stands for.
struct TracedCharacter {
  char32_t character;
  std::size_t begin;
  std::size_t end;
};

/// `folded_text` with where each of its characters came from.
std::vector<TracedCharacter> folded_characters(std::string_view text);

}  // namespace lore
