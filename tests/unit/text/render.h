#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "lore/text/chat_template.h"

/// What `source` renders to, for the messages and variables given.
inline std::string render(const std::string& source, const nlohmann::ordered_json& variables = nullptr,
                          const nlohmann::ordered_json& messages = nlohmann::ordered_json::array()) {
  lore::RenderOptions options;
  options.variables = variables;
  return lore::ChatTemplate::compile(source, "t").render(messages, options).text;
}
