#include "lore/core/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace lore {
namespace {

/// The length of the well-formed sequence at `position`, or, negated, of the ill-formed part there.
int sequence_length(std::string_view text, std::size_t position) {
  auto byte = [&](std::size_t i) {
    return position + i < text.size() ? static_cast<unsigned char>(text[position + i]) : 0u;
  };
  unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return -1;
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  int length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (byte(1) < low || byte(1) > high) return -1;
  for (int i = 2; i < length; ++i) {
    if ((byte(static_cast<std::size_t>(i)) & 0xC0) != 0x80) return -i;
  }
  return length;
}

/// The first place from `position` on that is no run of eight ASCII bytes.
std::size_t skip_ascii(std::string_view text, std::size_t position) {
  std::uint64_t eight = 0;
  while (position + sizeof(eight) <= text.size()) {
    std::memcpy(&eight, text.data() + position, sizeof(eight));
    if ((eight & 0x8080808080808080u) != 0) break;
    position += sizeof(eight);
  }
  return position;
}

/// Calls `valid(begin, end)` for each well-formed stretch and `invalid(begin, end)` for each ill-formed part.
template <typename Valid, typename Invalid>
void scan_utf8(std::string_view text, Valid valid, Invalid invalid) {
  std::size_t begin = 0;
  std::size_t position = skip_ascii(text, 0);
  while (position < text.size()) {
    int length = sequence_length(text, position);
    if (length > 0) {
      position = skip_ascii(text, position + static_cast<std::size_t>(length));
      continue;
    }
    std::size_t end = position + static_cast<std::size_t>(-length);
    valid(begin, position);
    invalid(position, end);
    begin = position = end;
  }
  valid(begin, text.size());
}

}  // namespace

std::size_t well_formed_length(std::string_view text) {
  return text.empty() ? 0 : static_cast<std::size_t>(std::max(sequence_length(text, 0), 0));
}

std::size_t find_ill_formed(std::string_view text) {
  std::size_t position = skip_ascii(text, 0);
  while (position < text.size()) {
    int length = sequence_length(text, position);
    if (length < 0) return position;
    position = skip_ascii(text, position + static_cast<std::size_t>(length));
  }
  return std::string_view::npos;
}

bool is_valid_utf8(std::string_view text) { return find_ill_formed(text) == std::string_view::npos; }

char32_t next_character(std::string_view text, std::size_t& position) {
  auto byte = [&] { return static_cast<unsigned char>(text[position++]); };
  char32_t lead = byte();
  if (lead < 0x80) return lead;
  int more = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  char32_t character = lead & (0x3Fu >> more);
  while (more-- > 0) character = character << 6 | (byte() & 0x3Fu);
  return character;
}

void append_utf8(std::string& text, char32_t c) {
  auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  scan_utf8(
      bytes, [&](std::size_t begin, std::size_t end) { text += bytes.substr(begin, end - begin); },
      [&](std::size_t, std::size_t) { text += kReplacementCharacter; });
  return text;
}

ValidText::ValidText(std::string_view bytes) : text_(bytes) {
  std::size_t copied = 0;
  scan_utf8(
      bytes, [](std::size_t, std::size_t) {},
      [&](std::size_t begin, std::size_t end) {
        storage_ += bytes.substr(copied, begin - copied);
        storage_ += kReplacementCharacter;
        copied = end;
        replacements_.push_back({storage_.size(), end});
      });
  if (replacements_.empty()) return;
  storage_ += bytes.substr(copied);
  text_ = storage_;
}

std::size_t ValidText::original_offset(std::size_t offset) const {
  auto after = std::upper_bound(replacements_.begin(), replacements_.end(), offset,
                                [](std::size_t value, const Replacement& r) { return value < r.end; });
  if (after == replacements_.begin()) return offset;
  const Replacement& before = *(after - 1);
  return before.original_end + (offset - before.end);
}

}  // namespace lore
