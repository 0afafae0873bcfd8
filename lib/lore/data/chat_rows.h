#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace lore {

/// The messages of a row, checked: a list of objects with a `role`, and with a `content` that is text,
/// or null beside `tool_calls`. Content in parts becomes one text. `key` names the list in errors.
/// Throws: Error kInput, subject the message, e.g. "messages[2]".
nlohmann::ordered_json read_messages(const nlohmann::ordered_json& list, const char* key);

/// Takes the `weight` out of each message, as OpenAI's fine-tuning rows have it: 0 for an answer of the
/// assistant that is context only, 1 for one to train, which is also what a message without one has. Throws:
/// Error kInput for any other weight, and for a 1 that is not the assistant's.
std::vector<std::uint8_t> take_weights(nlohmann::ordered_json& messages, const char* key);

/// The `tools` of a row: a list, or a text that holds one; null when there are none.
/// Throws: Error kInput.
nlohmann::ordered_json read_tools(const nlohmann::ordered_json& row);

}  // namespace lore
