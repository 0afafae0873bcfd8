#include "lore/corpus/well_formed.h"

#include <cstdint>
#include <cstring>

namespace lore {

std::size_t well_formed_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (text.empty() || lead < 0x80) {
    return text.empty() ? 0 : 1;
  }
  if (lead < 0xC2 || lead > 0xF4 || !continues(1)) {
    return 0;
  }
  if (lead < 0xE0) {
    return 2;
  }
  // The second byte rules out overlong forms, surrogates and what lies past U+10FFFF.
  const unsigned second = byte(1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
      (lead == 0xF4 && second > 0x8F) || !continues(2)) {
    return 0;
  }
  if (lead < 0xF0) {
    return 3;
  }
  return continues(3) ? 4 : 0;
}

std::size_t find_ill_formed(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t i = 0;
  while (i < text.size()) {
    if (i + 8 <= text.size()) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + i, sizeof(word));
      if ((word & kHighBits) == 0) {
        i += 8;
        continue;
      }
    }
    const std::size_t length = well_formed_length(text.substr(i));
    if (length == 0) {
      return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace lore
