#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lore/text/aligned_text.h"

namespace lore {

// Character classes and mappings as the `tokenizers` package 0.22.2 knows them. Its parts follow different
// versions of Unicode: patterns 16, Rust's own functions 17, normalization 9. The tables behind these
// functions hold what Unicode versions of utf8proc and PCRE2 from 14 on do not agree about.

/// Rust's char::is_whitespace: the property White_Space.
bool is_whitespace(char32_t character);
/// Rust's char::is_numeric: the general categories Nd, Nl and No.
bool is_numeric(char32_t character);
/// \w of Rust's regex: Alphabetic, M, Nd, Pc and Join_Control.
bool is_word_character(char32_t character);
/// ASCII punctuation, or a general category P of Unicode 8.
bool is_punctuation(char32_t character);

/// Appends Rust's char::to_lowercase of `character`.
void append_lowercase(std::vector<TextChange>& changes, char32_t character);

/// Unicode normalization forms (UAX 15).
enum class NormalizationForm { kNfc, kNfd, kNfkc, kNfkd };

/// Brings `text` to a normalization form. Nothing is touched when it plainly is in that form already.
void normalize(AlignedText& text, NormalizationForm form);

/// `text` with every character that PCRE2 may class otherwise than Oniguruma 6.9.10 replaced by one of the
/// same class and length; an empty string when there is none. For matching only.
std::string with_known_characters(std::string_view text);

}  // namespace lore
