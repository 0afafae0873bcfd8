#pragma once

namespace lore {

/// The simplified form of a traditional Chinese character, by OpenCC's table of characters (Apache-2.0); any
/// other character as it is. A character on its own: what depends on the word (乾 of 乾坤) is not told apart,
/// which comparing two texts does not need.
/// Throws: Error kInput where OpenCC's data files are missing.
char32_t simplified_chinese(char32_t character);

}  // namespace lore
