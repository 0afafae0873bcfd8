#include "lore/corpus/json_text.h"

#include <fmt/format.h>

#include <string>

#include "lore/core/error.h"

namespace lore {
namespace {

constexpr int kMaxLevels = 64;
constexpr int kMaxKeys = 20'000;

/// Bounds what the parser will build, before it builds: an ordered object takes quadratic time.
void check_bounds(std::string_view text) {
  int level = 0;
  int keys = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++level > kMaxLevels) {
        throw Error(ErrorKind::kInput, fmt::format("column {}", i + 1),
                    fmt::format("nested deeper than {} levels", kMaxLevels));
      }
    } else if (c == ']' || c == '}') {
      --level;
    } else if (c == ':' && ++keys > kMaxKeys) {
      throw Error(ErrorKind::kInput, fmt::format("column {}", i + 1),
                  fmt::format("more than {} keys", kMaxKeys));
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
    throw Error(ErrorKind::kInput, fmt::format("column {}", error.byte), "not valid JSON: " + why);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, "row", fmt::format("not valid JSON: {}", error.what()));
  }
}

}  // namespace lore
