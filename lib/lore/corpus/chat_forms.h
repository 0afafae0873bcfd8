#pragma once

#include <nlohmann/json.hpp>

namespace lore {

/// A list of messages in OpenAI's form, of messages in that form or ShareGPT's (`from` and `value`), or the
/// JSON text of one. Calls of functions in older forms become `tool_calls`. What else a message has is kept.
/// Throws: Error kInput, subject `name` or the message, e.g. "conversations[2]".
nlohmann::ordered_json chat_messages(const nlohmann::ordered_json& value, const char* name);

/// The messages of an Alpaca row: `instruction` and `input` joined by a line feed, `output`, with `system`
/// and `history` before them. Throws: Error kInput.
nlohmann::ordered_json alpaca_messages(const nlohmann::ordered_json& row);

/// Puts the `system` column of a row before its messages. Throws: Error kInput where they begin
/// with another.
void add_system_message(nlohmann::ordered_json& messages, const nlohmann::ordered_json& row);

/// Throws: Error kInput where no message is the assistant's, or one that is trained says nothing.
void check_assistant(const nlohmann::ordered_json& messages, const char* name);

}  // namespace lore
