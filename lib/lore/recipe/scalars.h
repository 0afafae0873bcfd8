#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lore/recipe/yaml_tree.h"

namespace lore {

/// What came of reading a value as a type.
enum class ScalarResult {
  kRead,       ///< the output holds the value
  kWrongType,  ///< the value is of another type
  kTooLarge,   ///< the type cannot hold the value
};

/// Readers of one scalar by YAML 1.2's core schema, less its surprises: integers are decimal without
/// leading zeros or underscores; booleans are `true` and `false`; nothing is infinite or NaN; a quoted
/// scalar is a string and nothing else.
ScalarResult read_scalar(const YamlNode& node, std::int64_t& value);
ScalarResult read_scalar(const YamlNode& node, std::uint64_t& value);
ScalarResult read_scalar(const YamlNode& node, double& value);
ScalarResult read_scalar(const YamlNode& node, bool& value);
ScalarResult read_scalar(const YamlNode& node, std::string& value);

/// True where YAML (1.1 or 1.2) reads the plain scalar `text` as something else than a string.
bool is_special_scalar(std::string_view text);

/// What a value is, for a message: `the number 8`, `the string "x"`, `a list`.
std::string describe_value(const YamlNode& node);

/// What to do about a value of the wrong type, in parentheses after a space; empty where nothing is clear.
/// `wanted` is the name of the wanted type as messages spell it: "a number", "true or false".
std::string advice_on_type(const YamlNode& node, std::string_view wanted);

}  // namespace lore
