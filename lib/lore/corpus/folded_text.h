#pragma once

#include <string>
#include <string_view>

namespace lore {

/// `text` with differences that do not change what it says taken away: compatibility forms (full width, half
/// width, ligatures) decomposed as by NFKD, case folded, invisible characters left out, each run of white
/// space and control characters made one space, none at either end. Invalid UTF-8 becomes U+FFFD.
std::u32string folded_text(std::string_view text);

}  // namespace lore
