#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace lore {

/// Parses the JSON of one row, keeping the order of keys: at most 64 levels and 20,000 keys.
/// Of a key that occurs twice the last value counts, as in Python.
/// Throws: Error kInput, subject "column N" (in bytes, from 1), after "line N of the row" where it has
/// several; the message tells nothing of what the row says.
nlohmann::ordered_json parse_row_json(std::string_view text);

}  // namespace lore
