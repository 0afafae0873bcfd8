#include "lore/corpus/folded_text.h"

#include <utf8proc.h>

#include <array>

namespace lore {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::size_t kLongestDecomposition = 32;

bool is_space(char32_t character) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(character))) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
      return true;
    default:
      return false;
  }
}

void append(std::u32string& result, char32_t character) {
  if (!is_space(character)) {
    result.push_back(character);
  } else if (!result.empty() && result.back() != U' ') {
    result.push_back(U' ');
  }
}

void append_folded(std::u32string& result, char32_t character) {
  // The ideographs of Chinese, most of what is not ASCII here, are their own folding.
  if (character >= 0x4E00 && character <= 0x9FFF) {
    result.push_back(character);
    return;
  }
  if (is_space(character)) {
    append(result, U' ');
    return;
  }
  std::array<utf8proc_int32_t, kLongestDecomposition> parts{};
  int last_boundary = 0;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                                                      UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
  const utf8proc_ssize_t count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character), parts.data(),
                              static_cast<utf8proc_ssize_t>(parts.size()), options, &last_boundary);
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    append(result, static_cast<char32_t>(parts[static_cast<std::size_t>(i)]));
  }
}

}  // namespace

std::u32string folded_text(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      ++i;
      if (byte > ' ' && byte < 0x7F) {
        result.push_back(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
      } else {
        append(result, U' ');
      }
      continue;
    }
    utf8proc_int32_t character = 0;
    const utf8proc_ssize_t length =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + i,
                         static_cast<utf8proc_ssize_t>(text.size() - i), &character);
    if (length <= 0) {
      result.push_back(kReplacement);
      ++i;
      continue;
    }
    append_folded(result, static_cast<char32_t>(character));
    i += static_cast<std::size_t>(length);
  }
  if (!result.empty() && result.back() == U' ') {
    result.pop_back();
  }
  return result;
}

}  // namespace lore
