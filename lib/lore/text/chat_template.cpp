#include "lore/text/chat_template.h"

#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/core/utf8.h"
#include "lore/text/jinja_parser.h"
#include "lore/text/jinja_runtime.h"

namespace lore {
namespace {

constexpr std::size_t kMaxSource = std::size_t{1} << 20;

}  // namespace

ChatTemplate::ChatTemplate(std::shared_ptr<const jinja::Template> compiled)
    : compiled_(std::move(compiled)) {}

ChatTemplate ChatTemplate::compile(std::string source, std::string name) {
  if (source.size() > kMaxSource) {
    throw Error(ErrorKind::kInput, name, fmt::format("a chat template has at most {} bytes", kMaxSource));
  }
  if (!is_valid_utf8(source)) {
    throw Error(ErrorKind::kInput, name, "the chat template is not UTF-8");
  }
  try {
    return ChatTemplate(std::make_shared<const jinja::Template>(jinja::parse(name, std::move(source))));
  } catch (const jinja::SyntaxError& error) {
    throw Error(ErrorKind::kInput, fmt::format("{}:{}", name, error.line), error.message);
  }
}

Rendered ChatTemplate::render(const nlohmann::ordered_json& messages, const RenderOptions& options) const {
  jinja::Runtime runtime(*compiled_, options.now);
  try {
    std::vector<std::pair<std::string, jinja::Value>> variables;
    for (const auto& [key, text] : options.special_tokens) {
      variables.emplace_back(key, jinja::Value(text));
    }
    variables.emplace_back("messages", jinja::Value::from_json(messages));
    variables.emplace_back("tools", jinja::Value::from_json(options.tools));
    variables.emplace_back("documents", jinja::Value(nullptr));
    variables.emplace_back("add_generation_prompt", jinja::Value(options.add_generation_prompt));
    if (options.variables.is_object()) {
      for (const auto& [key, value] : options.variables.items()) {
        variables.emplace_back(key, jinja::Value::from_json(value));
      }
    }
    return runtime.run(std::move(variables));
  } catch (const jinja::Failure& failure) {
    throw Error(ErrorKind::kInput, fmt::format("{}:{}", compiled_->name, runtime.line()), failure.what());
  }
}

ChatTemplate ChatTemplate::with_tool_use(ChatTemplate tool_use) const {
  ChatTemplate both = *this;
  both.tool_use_ = std::make_shared<const ChatTemplate>(std::move(tool_use));
  return both;
}

const ChatTemplate& ChatTemplate::for_tools(const nlohmann::ordered_json& tools) const {
  return tool_use_ && !tools.is_null() ? *tool_use_ : *this;
}

nlohmann::ordered_json ChatTemplate::identity() const {
  if (!tool_use_) return source();
  return {{"default", source()}, {"tool_use", tool_use_->source()}};
}

bool ChatTemplate::marks_generation() const { return compiled_->generation_line > 0; }

int ChatTemplate::generation_line() const { return compiled_->generation_line; }

bool ChatTemplate::asks_for_time() const {
  return compiled_->source.find("strftime_now") != std::string::npos ||
         (tool_use_ && tool_use_->asks_for_time());
}

const std::string& ChatTemplate::source() const { return compiled_->source; }

const std::string& ChatTemplate::name() const { return compiled_->name; }

}  // namespace lore
