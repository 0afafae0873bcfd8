#include "lore/data/chat_rows.h"

#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/corpus/json_text.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& subject, std::string message) {
  throw Error(ErrorKind::kInput, subject, std::move(message));
}

std::string joined_parts(const Json& parts, const std::string& subject) {
  std::string text;
  for (const Json& part : parts) {
    if (part.is_string()) {
      text += part.get_ref<const std::string&>();
      continue;
    }
    const auto type = part.is_object() ? part.find("type") : part.end();
    const auto content = part.is_object() ? part.find("text") : part.end();
    if (!part.is_object() || content == part.end() || !content->is_string() ||
        (type != part.end() && *type != "text")) {
      refuse(subject,
             "content has a part that is not text: only {\"type\": \"text\", \"text\": ...} is supported");
    }
    text += content->get_ref<const std::string&>();
  }
  return text;
}

Json read_message(const Json& message, const std::string& subject) {
  if (!message.is_object()) {
    refuse(subject, fmt::format("expected an object with role and content, got {}", message.type_name()));
  }
  const auto role = message.find("role");
  if (role == message.end() || !role->is_string()) {
    refuse(subject, "has no 'role'");
  }
  Json result = message;
  const auto content = result.find("content");
  const auto calls = result.find("tool_calls");
  const bool has_calls = calls != result.end() && calls->is_array() && !calls->empty();
  if (content == result.end() || content->is_null()) {
    if (!has_calls) {
      refuse(subject, "has neither 'content' nor 'tool_calls'");
    }
  } else if (content->is_array()) {
    *content = joined_parts(*content, subject);
  } else if (!content->is_string()) {
    refuse(subject, fmt::format("content is text or a list of text parts, got {}", content->type_name()));
  }
  return result;
}

}  // namespace

Json read_messages(const Json& list, const char* key) {
  if (!list.is_array()) {
    refuse(key, fmt::format("expected a list of messages, got {}", list.type_name()));
  }
  Json messages = Json::array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    messages.push_back(read_message(list[i], fmt::format("{}[{}]", key, i)));
  }
  return messages;
}

std::vector<std::uint8_t> take_weights(Json& messages, const char* key) {
  std::vector<std::uint8_t> weights(messages.size(), 1);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto weight = messages[i].find("weight");
    if (weight == messages[i].end()) {
      continue;
    }
    const std::string subject = fmt::format("{}[{}]", key, i);
    if (!weight->is_null()) {
      if (*weight != 0 && *weight != 1) {
        refuse(subject, fmt::format("weight is 0 (context only) or 1 (trained), got {}", weight->dump()));
      }
      if (*weight == 1 && messages[i]["role"] != "assistant") {
        refuse(subject, "has weight 1, but only the assistant's messages are trained");
      }
      weights[i] = *weight == 1 ? 1 : 0;
    }
    messages[i].erase(weight);
  }
  return weights;
}

Json read_tools(const Json& row) {
  const auto entry = row.find("tools");
  if (entry == row.end() || entry->is_null()) {
    return nullptr;
  }
  Json tools = entry->is_string() ? parse_row_json(entry->get_ref<const std::string&>()) : *entry;
  if (!tools.is_null() && !tools.is_array()) {
    refuse("tools", fmt::format("expected a list, got {}", tools.type_name()));
  }
  return tools;
}

}  // namespace lore
