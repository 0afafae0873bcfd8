#include "lore/corpus/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "lore/core/error.h"

namespace lore {
namespace {

constexpr int kMaxLevels = 64;
constexpr int kMaxKeys = 20'000;
/// nlohmann's out_of_range for it, whose text holds the number.
constexpr int kNumberOverflow = 406;

/// Where byte number `byte`, from 1, stands in the row.
std::string place(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, byte > 0 ? byte - 1 : 0);
  const std::size_t last_end = before.rfind('\n');
  if (last_end == std::string_view::npos) {
    return fmt::format("column {}", byte);
  }
  return fmt::format("line {} of the row, column {}", 1 + std::count(before.begin(), before.end(), '\n'),
                     byte - last_end - 1);
}

/// Bounds what the parser will build, before it builds: an ordered object takes quadratic time.
void check_bounds(std::string_view text) {
  int level = 0;
  int keys = 0;
  JsonStrings strings;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!strings.is_outside(c)) {
      continue;
    }
    if (c == '[' || c == '{') {
      if (++level > kMaxLevels) {
        throw Error(ErrorKind::kInput, place(text, i + 1),
                    fmt::format("nested deeper than {} levels", kMaxLevels));
      }
    } else if (c == ']' || c == '}') {
      --level;
    } else if (c == ':' && ++keys > kMaxKeys) {
      throw Error(ErrorKind::kInput, place(text, i + 1), fmt::format("more than {} keys", kMaxKeys));
    }
  }
}

}  // namespace

nlohmann::ordered_json parse_row_json(std::string_view text) {
  check_bounds(text);
  try {
    return nlohmann::ordered_json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error while ..."
    std::string why = error.what();
    if (const std::size_t at = why.find(": "); at != std::string::npos) {
      why = why.substr(at + 2);
    }
    // "...; last read: '"the row's text'; expected ...": what a row says is no part of a message.
    why = why.substr(0, why.find("; last read: "));
    throw Error(ErrorKind::kInput, place(text, error.byte), "not valid JSON: " + why);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, "row",
                error.id == kNumberOverflow ? "not valid JSON: a number is too large" : "not valid JSON");
  }
}

}  // namespace lore
