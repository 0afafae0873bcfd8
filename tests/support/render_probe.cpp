// Renders chat templates for tests that compare with other implementations. Reads JSON objects, one a line:
// {"template", "messages", "tools", "add_generation_prompt", "variables", "special_tokens", "now"}, the
// template a Jinja source or the name of one Lore brings along; writes {"text", "spans"} or {"error"} for
// each, and flushes after each line.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "lore/core/error.h"
#include "lore/text/chat_template.h"

namespace {

nlohmann::ordered_json answer(const std::string& line) {
  const auto request = nlohmann::ordered_json::parse(line);
  lore::RenderOptions options;
  options.tools = request.value("tools", nlohmann::ordered_json());
  options.add_generation_prompt = request.value("add_generation_prompt", false);
  options.variables = request.value("variables", nlohmann::ordered_json());
  options.now = request.value("now", std::string());
  const auto special_tokens = request.value("special_tokens", nlohmann::ordered_json::object());
  for (const auto& [name, text] : special_tokens.items()) {
    options.special_tokens[name] = text.get<std::string>();
  }
  try {
    const auto source = request.at("template").get<std::string>();
    auto compiled = lore::named_chat_template(source);
    if (!compiled) {
      compiled = lore::ChatTemplate::compile(source, "template");
    }
    const lore::Rendered rendered = compiled->render(request.at("messages"), options);
    return {{"text", rendered.text}, {"spans", rendered.generation_spans}};
  } catch (const lore::Error& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << answer(line).dump() << std::endl;
  }
}
