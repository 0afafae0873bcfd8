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

/// Folds a text character by character. `Result` takes each by `push(character, begin, end)`.
template <class Result>
class Folding {
 public:
  explicit Folding(Result& result) : result_(result) {}

  void run(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte < 0x80) {
        append_ascii(byte, i);
        ++i;
        continue;
      }
      utf8proc_int32_t character = 0;
      const utf8proc_ssize_t length =
          utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + i,
                           static_cast<utf8proc_ssize_t>(text.size() - i), &character);
      if (length <= 0) {
        result_.push(kReplacement, i, i + 1);
        ++i;
        continue;
      }
      const std::size_t end = i + static_cast<std::size_t>(length);
      append_folded(static_cast<char32_t>(character), i, end);
      i = end;
    }
  }

 private:
  void append(char32_t character, std::size_t begin, std::size_t end) {
    if (!is_space(character)) {
      result_.push(character, begin, end);
    } else if (!result_.empty() && result_.back() != U' ') {
      result_.push(U' ', begin, end);
    }
  }

  void append_ascii(unsigned char byte, std::size_t at) {
    if (byte > ' ' && byte < 0x7F) {
      result_.push(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte, at, at + 1);
    } else {
      append(U' ', at, at + 1);
    }
  }

  void append_folded(char32_t character, std::size_t begin, std::size_t end) {
    // The ideographs of Chinese, most of what is not ASCII here, are their own folding.
    if (character >= 0x4E00 && character <= 0x9FFF) {
      result_.push(character, begin, end);
      return;
    }
    if (is_space(character)) {
      append(U' ', begin, end);
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
      append(static_cast<char32_t>(parts[static_cast<std::size_t>(i)]), begin, end);
    }
  }

  Result& result_;
};

struct Characters {
  std::u32string text;

  void push(char32_t character, std::size_t /*begin*/, std::size_t /*end*/) { text.push_back(character); }
  bool empty() const { return text.empty(); }
  char32_t back() const { return text.back(); }
};

struct PlacedCharacters {
  std::vector<TracedCharacter> list;

  void push(char32_t character, std::size_t begin, std::size_t end) {
    list.push_back({character, begin, end});
  }
  bool empty() const { return list.empty(); }
  char32_t back() const { return list.back().character; }
};

}  // namespace

std::u32string folded_text(std::string_view text) {
  Characters result;
  result.text.reserve(text.size());
  Folding(result).run(text);
  if (!result.empty() && result.back() == U' ') {
    result.text.pop_back();
  }
  return std::move(result.text);
}

std::vector<TracedCharacter> folded_characters(std::string_view text) {
  PlacedCharacters result;
  result.list.reserve(text.size());
  Folding(result).run(text);
  if (!result.empty() && result.back() == U' ') {
    result.list.pop_back();
  }
  return std::move(result.list);
}

}  // namespace lore
