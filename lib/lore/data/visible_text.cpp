#include "lore/data/visible_text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>

#include "lore/core/utf8.h"
#include "lore/text/jinja_string.h"

namespace lore {
namespace {

constexpr char32_t kFirstControlPicture = 0x2400;
constexpr char32_t kDeletePicture = 0x2421;
constexpr char32_t kZeroWidthNonJoiner = 0x200C;
constexpr char32_t kZeroWidthJoiner = 0x200D;
constexpr std::string_view kCut = "…";

/// Calls `take(character, bytes)` for each character, with character 0xFFFFFFFF for a byte that is none.
template <class Take>
void each_character(std::string_view text, Take take) {
  constexpr char32_t kNone = 0xFFFFFFFF;
  for (std::size_t begin = 0; begin < text.size();) {
    utf8proc_int32_t character = 0;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + begin),
                                         static_cast<utf8proc_ssize_t>(text.size() - begin), &character);
    const std::size_t bytes = length > 0 ? static_cast<std::size_t>(length) : 1;
    take(length > 0 ? static_cast<char32_t>(character) : kNone, text.substr(begin, bytes));
    begin += bytes;
  }
}

/// Characters that show nothing of themselves, or change how others are shown.
bool is_deceptive(char32_t character) {
  if (character == kZeroWidthNonJoiner || character == kZeroWidthJoiner) {
    return false;
  }
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(character));
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
         category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

void append_visible(std::string& result, char32_t character, std::string_view bytes) {
  if (bytes.size() == 1 && character > 0x7F) {
    result += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[0]));
  } else if (character < 0x20 && character != '\n' && character != '\t') {
    append_utf8(result, kFirstControlPicture + character);
  } else if (character == 0x7F) {
    append_utf8(result, kDeletePicture);
  } else if (character > 0x7F && is_deceptive(character)) {
    result += character > 0xFFFF ? fmt::format("\\U{:08x}", static_cast<std::uint32_t>(character))
                                 : fmt::format("\\u{:04x}", static_cast<std::uint32_t>(character));
  } else {
    result += bytes;
  }
}

std::size_t character_width(char32_t character) {
  return static_cast<std::size_t>(std::max(0, utf8proc_charwidth(static_cast<utf8proc_int32_t>(character))));
}

}  // namespace

std::string visible_text(std::string_view text) {
  std::string result;
  each_character(
      text, [&](char32_t character, std::string_view bytes) { append_visible(result, character, bytes); });
  return result;
}

std::string visible_line(std::string_view text) {
  std::string result;
  each_character(text, [&](char32_t character, std::string_view bytes) {
    switch (character) {
      case ' ':
        result += "·";
        break;
      case '\n':
        result += "↵";
        break;
      case '\t':
        result += "⇥";
        break;
      default:
        append_visible(result, character, bytes);
    }
  });
  return result;
}

std::string visible_name(std::string_view name) {
  std::string result;
  each_character(name, [&](char32_t character, std::string_view bytes) {
    if (character == '\n' || character == '\t') {
      append_utf8(result, kFirstControlPicture + character);
    } else {
      append_visible(result, character, bytes);
    }
  });
  return result;
}

std::string html_text(std::string_view text) { return jinja::escape_html(visible_text(text)); }

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  each_character(text, [&](char32_t character, std::string_view) { width += character_width(character); });
  return width;
}

std::string cut_left(std::string_view text, std::size_t width) {
  std::size_t excess = display_width(text);
  if (excess <= width) {
    return std::string(text);
  }
  excess -= std::min(excess, width > 0 ? width - 1 : 0);
  std::string result(width > 0 ? kCut : "");
  std::size_t left_out = 0;
  each_character(text, [&](char32_t character, std::string_view bytes) {
    if (left_out < excess) {
      left_out += character_width(character);
    } else {
      result += bytes;
    }
  });
  return result;
}

std::string pad_left(std::string_view text, std::size_t width) {
  return std::string(width - std::min(width, display_width(text)), ' ').append(text);
}

std::string pad_right(std::string_view text, std::size_t width) {
  return std::string(text).append(width - std::min(width, display_width(text)), ' ');
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return digits;
}

std::string percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "-"
                    : fmt::format("{:.1f}%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace lore
