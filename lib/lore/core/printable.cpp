#include "lore/core/printable.h"

#include <fmt/format.h>

#include "lore/core/utf8.h"

namespace lore {
namespace {

/// Length of the well-formed UTF-8 sequence of a printable character at the front of `text`, else 0.
std::size_t printable_character(std::string_view text) {
  const std::size_t length = well_formed_length(text);
  std::size_t end = 0;
  const char32_t character = length > 0 ? next_character(text, end) : 0;
  const bool control = character < 0x20 || (character >= 0x7F && character < 0xA0);
  return control ? 0 : length;
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    if (i >= limit) {
      return result + "...";
    }
    const std::size_t length = printable_character(text.substr(i));
    if (length > 0) {
      result += text.substr(i, length);
      i += length;
    } else {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
      ++i;
    }
  }
  return result;
}

std::string in_quotes(std::string_view text) { return '"' + printable(text) + '"'; }

}  // namespace lore
