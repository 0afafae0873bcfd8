#include "lore/eval/clauses.h"

#include <array>

#include "lore/core/utf8.h"
#include "lore/corpus/row_cells.h"

namespace lore {
namespace {

constexpr std::u32string_view kChineseMarks = U"，。！？；";
constexpr std::string_view kEnglishMarks = ",.!?;";

bool is_space(std::string_view text, std::size_t position) {
  return position < text.size() && (text[position] == ' ' || text[position] == '\n' ||
                                    text[position] == '\t' || text[position] == '\r');
}

}  // namespace

std::vector<TextSpan> clauses(std::string_view text) {
  std::vector<TextSpan> found;
  std::size_t begin = 0;
  for (std::size_t position = 0; position < text.size();) {
    const char32_t character = next_character(text, position);
    const bool english =
        character < 0x80 && kEnglishMarks.find(static_cast<char>(character)) != std::string::npos;
    const bool ends = character == '\n' || kChineseMarks.find(character) != std::u32string_view::npos ||
                      (english && is_space(text, position));
    if (!ends) {
      continue;
    }
    while (is_space(text, position)) {
      ++position;
    }
    // A line end behind a line end, or marks in a row, belong to the clause before them.
    if (is_blank(text.substr(begin, position - begin))) {
      continue;
    }
    found.push_back({begin, position});
    begin = position;
  }
  if (begin < text.size()) {
    found.push_back({begin, text.size()});
  }
  return found;
}

std::string without_clause(std::string_view text, const TextSpan& clause) {
  return std::string(text.substr(0, clause.begin)) + std::string(text.substr(clause.end));
}

}  // namespace lore
