// Renders chat templates for tests that compare with other implementations. Reads JSON objects, one a line:
// {"template", "messages", "tools", "add_generation_prompt", "variables", "special_tokens", "now"}, the
// template a Jinja source or the name of one Lore brings along; writes {"text", "spans"} or {"error"} for
// each, and flushes after each line.
#include <nlohmann/json.hpp>
#include <string>

#include "answer_lines.h"

int main() {
  answer_lines([](const nlohmann::ordered_json& request) -> nlohmann::ordered_json {
    lore::RenderOptions options;
    options.tools = request.value("tools", nlohmann::ordered_json());
    options.add_generation_prompt = request.value("add_generation_prompt", false);
    options.variables = request.value("variables", nlohmann::ordered_json());
    options.now = request.value("now", std::string());
    const auto special_tokens = request.value("special_tokens", nlohmann::ordered_json::object());
    for (const auto& [name, text] : special_tokens.items()) {
      options.special_tokens[name] = text.get<std::string>();
    }
    const lore::Rendered rendered = template_of(request).render(request.at("messages"), options);
    return {{"text", rendered.text}, {"spans", rendered.generation_spans}};
  });
}
