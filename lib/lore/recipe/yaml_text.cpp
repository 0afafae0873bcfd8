#include "lore/recipe/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/utf8.h"

namespace lore {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kMostQuotedBytes = 60;

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

}  // namespace

std::string normalized_lines(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  std::string lines;
  lines.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool before_newline = i + 1 < text.size() && text[i + 1] == '\n';
    if (text[i] != '\r') {
      lines += text[i];
    } else if (!before_newline) {
      lines += '\n';
    }
  }
  return lines;
}

std::optional<YamlProblem> find_bad_character(std::string_view text, int source) {
  YamlPlace place{source, 1, 1};
  while (!text.empty()) {
    const std::size_t length = well_formed_length(text);
    if (length == 0) {
      return YamlProblem{place, fmt::format("byte 0x{:02X} is not UTF-8; save the recipe as UTF-8",
                                            static_cast<unsigned char>(text[0]))};
    }
    if (text[0] == '\n') {
      ++place.line;
      place.column = 0;
    } else if (is_control(text[0]) && text[0] != '\t') {
      return YamlProblem{place, fmt::format("control character 0x{:02X} is not allowed in YAML",
                                            static_cast<unsigned char>(text[0]))};
    }
    ++place.column;
    text.remove_prefix(length);
  }
  return std::nullopt;
}

std::optional<YamlPlace> find_tab_indentation(std::string_view text, int last_line, int source) {
  for (int line = 1; line <= last_line && !text.empty(); ++line) {
    const std::string_view row = text.substr(0, text.find('\n'));
    const std::size_t start = row.find_first_not_of(" \t");
    const std::size_t tab = row.find('\t');
    if (start != std::string_view::npos && tab < start && row[start] != '#') {
      return YamlPlace{source, line, static_cast<int>(tab) + 1};
    }
    text.remove_prefix(std::min(text.size(), row.size() + 1));
  }
  return std::nullopt;
}

int column_of(std::string_view text, std::size_t line_start, int offset) {
  const std::string_view before =
      text.substr(std::min(line_start, text.size()), static_cast<std::size_t>(std::max(offset, 0)));
  return 1 + static_cast<int>(before.size()) -
         static_cast<int>(std::ranges::count_if(before, is_utf8_continuation));
}

bool ends_its_quote(std::string_view text) {
  if (text.empty() || (text[0] != '"' && text[0] != '\'')) {
    return true;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool doubled = text[0] == '\'' && text.substr(i).starts_with("''");
    const bool escape = text[0] == '"' && text[i] == '\\';
    if (doubled || escape) {
      ++i;
    } else if (text[i] == text[0]) {
      return true;
    }
  }
  return false;
}

std::string quoted_text(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const std::size_t length = well_formed_length(text);
    if (result.size() > kMostQuotedBytes) {
      return result + "...\"";
    }
    if (text[0] == '\n') {
      result += "\\n";
    } else if (length == 0 || is_control(text[0])) {
      result += fmt::format("\\x{:02X}", static_cast<unsigned char>(text[0]));
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result + "\"";
}

}  // namespace lore
