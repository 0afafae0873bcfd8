#pragma once

#include <nlohmann/json.hpp>

namespace lore {

/// The messages of a row, checked: a list of objects with a `role`, and with a `content` that is text,
/// or null beside `tool_calls`. Content in parts becomes one text. `key` names the list in errors.
/// Throws: Error kInput, subject the message, e.g. "messages[2]".
nlohmann::ordered_json read_messages(const nlohmann::ordered_json& list, const char* key);

/// The `tools` of a row: a list, or a text that holds one; null when there are none.
/// Throws: Error kInput.
nlohmann::ordered_json read_tools(const nlohmann::ordered_json& row);

}  // namespace lore
