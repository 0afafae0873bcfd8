#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// U+FFFD in UTF-8.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// True for the bytes 10xxxxxx.
inline bool is_utf8_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

/// Length of the well-formed character at the front of `text` (Unicode 15, table 3-7), 0 where there is none.
std::size_t well_formed_length(std::string_view text);

/// Offset of the first byte that is no part of well-formed UTF-8, or npos.
std::size_t find_ill_formed(std::string_view text);

bool is_valid_utf8(std::string_view text);

/// The character at `position`, which moves past it. REQUIRES valid UTF-8 and position < text.size().
char32_t next_character(std::string_view text, std::size_t& position);

void append_utf8(std::string& text, char32_t character);

/// `bytes` with every maximal ill-formed part as one U+FFFD (Unicode 15, section 3.9, "U+FFFD substitution
/// of maximal subparts"; Python's bytes.decode("utf-8", "replace")).
std::string replace_invalid_utf8(std::string_view bytes);

/// Valid UTF-8 made from any bytes, and the way back to their offsets.
class ValidText {
 public:
  explicit ValidText(std::string_view bytes);
  ValidText(const ValidText&) = delete;
  ValidText& operator=(const ValidText&) = delete;

  std::string_view text() const { return text_; }
  /// The offset in the original bytes of a character boundary of `text()`.
  std::size_t original_offset(std::size_t offset) const;

 private:
  struct Replacement {
    std::size_t end;           // in text_
    std::size_t original_end;  // in the bytes
  };
  std::string storage_;
  std::string_view text_;
  std::vector<Replacement> replacements_;
};

}  // namespace lore
