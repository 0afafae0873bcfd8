#include "lore/core/printable.h"

#include <fmt/format.h>

namespace lore {
namespace {

/// Length of the well-formed UTF-8 sequence of a printable character at the front of `text`, else 0.
std::size_t printable_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return lead >= 0x20 && lead != 0x7f ? 1 : 0;
  }
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  unsigned code = lead & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return 0;
    }
    code = code << 6 | (byte(i) & 0x3f);
  }
  const unsigned least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  const bool control = code < 0xa0;
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  return lead >= 0xc2 && lead < 0xf5 && code >= least && code < 0x110000 && !control && !surrogate ? length
                                                                                                   : 0;
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
