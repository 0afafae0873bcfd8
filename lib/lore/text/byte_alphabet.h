#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lore {

/// The printable character that byte-level vocabularies write for `byte`: 33 to 126, 161 to 172 and 174 to
/// 255 stand for themselves, the others are 256 and up in order. Source: openai/gpt-2, encoder.py.
char32_t byte_character(unsigned char byte);

/// The byte that `character` stands for, or nothing.
std::optional<unsigned char> character_byte(char32_t character);

/// `bytes` in that alphabet.
std::string spell_bytes(std::string_view bytes);

}  // namespace lore
