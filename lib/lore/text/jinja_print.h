#pragma once

#include <optional>
#include <string>

#include "lore/text/jinja_value.h"

namespace lore::jinja {

/// Python's str(value); an undefined value is empty.
std::string to_text(const Value& value);
/// Python's repr(value).
std::string to_repr(const Value& value);

/// The arguments of json.dumps as transformers passes them.
struct JsonStyle {
  bool ensure_ascii = false;
  std::optional<std::string> indent;  ///< one level of indentation; all on one line without
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};

/// Python's json.dumps(value). Throws: Failure for what has no JSON form.
std::string to_json(const Value& value, const JsonStyle& style);

}  // namespace lore::jinja
