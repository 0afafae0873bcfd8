#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/glossary.h"

namespace lore {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kNames = {{{"chinese", "zh"},
                                                                                   {"中文", "zh"},
                                                                                   {"汉语", "zh"},
                                                                                   {"english", "en"},
                                                                                   {"英文", "en"},
                                                                                   {"英语", "en"},
                                                                                   {"japanese", "ja"},
                                                                                   {"cn", "zh"},
                                                                                   {"chi", "zh"},
                                                                                   {"eng", "en"}}};

[[noreturn]] void refuse(std::string_view text) {
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(), lower);
  std::string wanted = "such as 'zh', 'en' or 'zh-Hant'";
  for (const auto& [known, tag] : kNames) {
    if (name == known) {
      wanted = fmt::format("here '{}'", tag);
    }
  }
  if (name.find('_') != std::string::npos) {
    std::replace(name.begin(), name.end(), '_', '-');
    wanted = fmt::format("here '{}'", name);
  }
  throw Error(ErrorKind::kInput, "language",
              fmt::format("'{}' is not a language tag, {}", printable(text, 40), wanted));
}

}  // namespace

std::string language_tag(std::string_view text) {
  std::string tag;
  for (std::size_t begin = 0, part = 0; begin <= text.size(); ++part) {
    const std::size_t end = std::min(text.find('-', begin), text.size());
    std::string word(text.substr(begin, end - begin));
    const bool letters = std::all_of(word.begin(), word.end(), is_letter);
    const bool plain =
        std::all_of(word.begin(), word.end(), [](char c) { return is_letter(c) || is_digit(c); });
    if (!plain || word.empty() || word.size() > 8 ||
        (part == 0 && (!letters || word.size() < 2 || word.size() > 3 || word == "chi" || word == "eng" ||
                       word == "cn"))) {
      refuse(text);
    }
    std::transform(word.begin(), word.end(), word.begin(), lower);
    if (part > 0 && letters && word.size() == 4) {
      word[0] = upper(word[0]);
    } else if (part > 0 && word.size() == 2) {
      std::transform(word.begin(), word.end(), word.begin(), upper);
    }
    tag += (tag.empty() ? "" : "-") + word;
    begin = end + 1;
  }
  return tag;
}

std::string_view primary_language(std::string_view tag) { return tag.substr(0, tag.find('-')); }

}  // namespace lore
