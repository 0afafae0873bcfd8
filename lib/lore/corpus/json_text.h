#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace lore {

/// Goes through a JSON text character by character and tells what is not part of a string.
class JsonStrings {
 public:
  /// Whether `c`, the next character, stands outside of strings; their quotes do not.
  bool is_outside(char c) {
    if (!in_string_) {
      in_string_ = c == '"';
      return !in_string_;
    }
    if (escaped_) {
      escaped_ = false;
    } else {
      escaped_ = c == '\\';
      in_string_ = c != '"';
    }
    return false;
  }
  /// Whether the text so far ends within a string.
  bool is_open() const { return in_string_; }

 private:
  bool in_string_ = false;
  bool escaped_ = false;
};

/// Parses the JSON of one row, keeping the order of keys: at most 64 levels and 20,000 keys.
/// Of a key that occurs twice the last value counts, as in Python.
/// Throws: Error kInput, subject "column N" (in bytes, from 1), after "line N of the row" where it has
/// several; the message tells nothing of what the row says.
nlohmann::ordered_json parse_row_json(std::string_view text);

}  // namespace lore
