#pragma once

#include <utf8proc.h>

#include <span>

namespace lore {

/// Characters of one general category.
struct CategoryRange {
  char32_t first;
  char32_t last;
  utf8proc_category_t category;
};

/// Inclusive.
struct CharacterRange {
  char32_t first;
  char32_t last;
};

/// What Unicode 15, 15.1 and 16 added to or changed in the general categories of Unicode 14, ascending.
std::span<const CategoryRange> categories_since_unicode_14();

/// Characters that have a combining class or a decomposition today and had none in Unicode 9, ascending.
std::span<const CharacterRange> normalized_since_unicode_9();

/// General category P of Unicode 15 that Unicode 8 lacks, ascending.
std::span<const CharacterRange> punctuation_since_unicode_8();

/// The range that holds `character`, or null.
const CategoryRange* find_range(std::span<const CategoryRange> ranges, char32_t character);
const CharacterRange* find_range(std::span<const CharacterRange> ranges, char32_t character);

/// The general category of Unicode 16, whatever version utf8proc knows.
utf8proc_category_t general_category(char32_t character);

}  // namespace lore
