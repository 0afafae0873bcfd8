#include "lore/corpus/chat_forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/core/suggestion.h"
#include "lore/corpus/json_text.h"
#include "lore/corpus/row_cells.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<std::string_view, std::string_view>, 15> kRoles = {
    {{"human", "user"},
     {"user", "user"},
     {"gpt", "assistant"},
     {"assistant", "assistant"},
     {"chatgpt", "assistant"},
     {"bard", "assistant"},
     {"bing", "assistant"},
     {"model", "assistant"},
     {"system", "system"},
     {"developer", "developer"},
     {"tool", "tool"},
     {"function", "tool"},
     {"observation", "tool"},
     {"function_response", "tool"},
     {"function_call", "function_call"}}};

[[noreturn]] void refuse(std::string subject, std::string message) {
  throw Error(ErrorKind::kInput, std::move(subject), std::move(message));
}

std::string role_of(const std::string& from, const std::string& subject) {
  std::string name(trimmed(from));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  std::vector<std::string> known;
  for (const auto& [other, role] : kRoles) {
    if (name == other) {
      return std::string(role);
    }
    known.emplace_back(other);
  }
  refuse(subject,
         fmt::format("'from' is '{}', which is none of human, gpt, system, observation, function_call and "
                     "their other names{}",
                     printable(from, 40), did_you_mean(name.substr(0, 40), known)));
}

/// `{"name", "arguments"}` or a list of such, as text or not, in OpenAI's form.
Json tool_calls(const Json& value, const std::string& subject) {
  Json calls;
  try {
    calls = structured_cell(value, "function_call");
  } catch (const Error& error) {
    throw error.within(subject);
  }
  if (calls.is_object()) {
    calls = Json::array({calls});
  }
  if (!calls.is_array() || calls.empty()) {
    refuse(subject, "a function call is an object with name and arguments, or a list of such");
  }
  Json result = Json::array();
  for (Json& call : calls) {
    if (!call.is_object() || !call.contains("name") || !call["name"].is_string()) {
      refuse(subject, "a function call has no 'name'");
    }
    Json arguments = call.contains("arguments") ? call["arguments"] : Json::object();
    result.push_back(
        {{"type", "function"}, {"function", {{"name", call["name"]}, {"arguments", arguments}}}});
  }
  return result;
}

/// Keeps whether a turn is trained, which some data sets say in other words.
void copy_weight(const Json& turn, Json& message) {
  for (const char* key : {"loss", "train", "training"}) {
    if (const auto entry = turn.find(key); entry != turn.end() && entry->is_boolean()) {
      message["weight"] = entry->get<bool>() ? 1 : 0;
    }
  }
  if (const auto weight = turn.find("weight"); weight != turn.end()) {
    message["weight"] = *weight;
  }
}

Json from_sharegpt(const Json& turn, const std::string& subject) {
  const auto from = turn.find("from");
  const auto value = turn.find("value");
  if (from == turn.end() || !from->is_string()) {
    refuse(subject, "has no 'from'");
  }
  if (value == turn.end() || value->is_null()) {
    refuse(subject, "has no 'value'");
  }
  const std::string role = role_of(from->get_ref<const std::string&>(), subject);
  Json message;
  if (role == "function_call") {
    message = {{"role", "assistant"}, {"content", ""}, {"tool_calls", tool_calls(*value, subject)}};
  } else {
    if (!value->is_string() && role != "tool") {
      refuse(subject, fmt::format("'value' must be text, got {}", kind_of(*value)));
    }
    message = {{"role", role}, {"content", value->is_string() ? *value : Json(value->dump())}};
  }
  copy_weight(turn, message);
  return message;
}

/// The function calls of OpenAI before there were tools.
Json without_function_call(Json message, const std::string& subject) {
  if (const auto role = message.find("role"); role != message.end() && *role == "function") {
    *role = "tool";
  }
  const auto call = message.find("function_call");
  if (call == message.end()) {
    return message;
  }
  if (!call->is_null()) {
    message["tool_calls"] = tool_calls(*call, subject);
  }
  message.erase("function_call");
  return message;
}

bool says_something(const Json& message) {
  for (const char* key : {"content", "reasoning_content"}) {
    const auto content = message.find(key);
    if (content == message.end()) {
      continue;
    }
    if (content->is_string() ? !is_blank(content->get_ref<const std::string&>())
                             : content->is_array() && !content->empty()) {
      return true;
    }
  }
  const auto calls = message.find("tool_calls");
  return calls != message.end() && calls->is_array() && !calls->empty();
}

Json turn(const char* role, const Json& content) { return {{"role", role}, {"content", content}}; }

}  // namespace

Json chat_messages(const Json& value, const char* name) {
  const Json list = structured_cell(value, name);
  if (!list.is_array()) {
    refuse(name, fmt::format("expected a list of messages, got {}", kind_of(list)));
  }
  if (list.empty()) {
    refuse(name, "is an empty list");
  }
  Json messages = Json::array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string subject = fmt::format("{}[{}]", name, i);
    const Json& message = list[i];
    if (!message.is_object()) {
      refuse(subject, fmt::format("expected an object with role and content, got {}", kind_of(message)));
    }
    const bool sharegpt =
        !message.contains("role") && (message.contains("from") || message.contains("value"));
    messages.push_back(sharegpt ? from_sharegpt(message, subject) : without_function_call(message, subject));
  }
  return messages;
}

Json alpaca_messages(const Json& row) {
  Json messages = Json::array();
  if (const auto system = optional_text_cell(row, "system")) {
    messages.push_back(turn("system", *system));
  }
  if (const Json* cell = find_cell(row, "history"); cell != nullptr) {
    const Json history = structured_cell(*cell, "history");
    if (!history.is_array()) {
      refuse("history", fmt::format("expected a list of pairs of texts, got {}", kind_of(history)));
    }
    for (std::size_t i = 0; i < history.size(); ++i) {
      const Json& pair = history[i];
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) {
        refuse(fmt::format("history[{}]", i),
               "expected a pair of texts: what was asked and what was answered");
      }
      messages.push_back(turn("user", pair[0]));
      messages.push_back(turn("assistant", pair[1]));
    }
  }
  const auto instruction = optional_text_cell(row, "instruction");
  const auto input = optional_text_cell(row, "input");
  if (!instruction && !input) {
    refuse("instruction", "is empty, and there is no input");
  }
  messages.push_back(turn("user", instruction && input ? *instruction + "\n" + *input
                                  : instruction        ? *instruction
                                                       : *input));
  messages.push_back(turn("assistant", text_cell(row, "output")));
  return messages;
}

void add_system_message(Json& messages, const Json& row) {
  const auto system = optional_text_cell(row, "system");
  if (!system) {
    return;
  }
  if (messages[0].value("role", Json()) == "system") {
    if (messages[0].value("content", Json()) == *system) {
      return;
    }
    refuse("system", "the conversation begins with a system message of its own: which is meant?");
  }
  messages.insert(messages.begin(), turn("system", *system));
}

void check_assistant(const Json& messages, const char* name) {
  bool answered = false;
  bool trained = false;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Json& message = messages[i];
    if (!message.is_object() || message.value("role", Json()) != "assistant") {
      continue;
    }
    answered = true;
    const auto weight = message.find("weight");
    if (weight != message.end() && weight->is_number() && *weight == 0) {
      continue;
    }
    trained = true;
    if (!says_something(message)) {
      refuse(fmt::format("{}[{}]", name, i), "the assistant says nothing: no content and no tool_calls");
    }
  }
  if (!answered) {
    refuse(name, "has no message of the assistant to train on");
  }
  if (!trained) {
    refuse(name, "has no message of the assistant to train on: all have weight 0");
  }
}

}  // namespace lore
