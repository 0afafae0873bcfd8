#include "lore/corpus/simplified_chinese.h"

#include <opencc/SimpleConverter.hpp>
#include <string>
#include <unordered_map>

#include "lore/core/error.h"
#include "lore/core/utf8.h"

namespace lore {
namespace {

// The Unified Ideographs of Unicode's first plane; rarer traditional characters have no simplified form in
// use.
constexpr char32_t kFirst = 0x3400;
constexpr char32_t kLast = 0x9FFF;

using Table = std::unordered_map<char32_t, char32_t>;

/// The characters that have a simplified form. They are converted one a line: no phrase spans a line.
Table read_table() {
  std::string lines;
  for (char32_t character = kFirst; character <= kLast; ++character) {
    append_utf8(lines, character);
    lines.push_back('\n');
  }
  std::string converted;
  try {
    converted = opencc::SimpleConverter("t2s.json").Convert(lines);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kInput, "OpenCC", std::string("its data cannot be read: ") + error.what());
  }
  Table table;
  std::size_t position = 0;
  for (char32_t character = kFirst; character <= kLast; ++character) {
    const char32_t simplified = next_character(converted, position);
    if (simplified != character) {
      table.emplace(character, simplified);
    }
    position = converted.find('\n', position) + 1;
  }
  return table;
}

}  // namespace

char32_t simplified_chinese(char32_t character) {
  if (character < kFirst || character > kLast) {
    return character;
  }
  static const Table table = read_table();
  const auto found = table.find(character);
  return found == table.end() ? character : found->second;
}

}  // namespace lore
