#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/formats/gguf.h"
#include "lore/formats/json_file.h"
#include "lore/text/chat_template.h"

namespace lore {
namespace {

ChatTemplate combine(const ChatTemplate& plain, std::optional<ChatTemplate> tool_use) {
  return tool_use ? plain.with_tool_use(std::move(*tool_use)) : plain;
}

std::optional<ChatTemplate> from_file(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    return {};
  }
  return ChatTemplate::compile(std::string(MappedFile::open(path)->text()), path.string());
}

std::optional<ChatTemplate> from_config(const std::filesystem::path& path) {
  const nlohmann::json config = read_json_file(path);
  const auto entry = config.is_object() ? config.find("chat_template") : config.end();
  if (entry == config.end() || entry->is_null()) {
    return {};
  }
  if (entry->is_string()) {
    return ChatTemplate::compile(entry->get<std::string>(), path.string() + ":chat_template");
  }
  if (entry->is_array()) {
    const auto compile_named = [&](const std::string& name) -> std::optional<ChatTemplate> {
      for (const auto& named : *entry) {
        if (named.is_object() && named.value("name", nlohmann::json()) == name &&
            named.contains("template") && named["template"].is_string()) {
          return ChatTemplate::compile(named["template"].get<std::string>(),
                                       path.string() + ":chat_template." + name);
        }
      }
      return {};
    };
    if (auto plain = compile_named("default")) {
      return combine(*plain, compile_named("tool_use"));
    }
  }
  throw Error(ErrorKind::kInput, path.string(),
              "chat_template is neither a text nor a list of {name, template} with one named 'default'");
}

}  // namespace

std::optional<ChatTemplate> find_chat_template(const std::filesystem::path& model) {
  if (std::filesystem::is_directory(model)) {
    if (auto plain = from_file(model / "chat_template.jinja")) {
      return combine(*plain, from_file(model / "additional_chat_templates" / "tool_use.jinja"));
    }
    if (const auto path = model / "tokenizer_config.json"; std::filesystem::exists(path)) {
      return from_config(path);
    }
    return {};
  }
  if (model.extension() == ".gguf") {
    const GgufFile file = GgufFile::open(model);
    const auto from_key = [&](const std::string& key) -> std::optional<ChatTemplate> {
      const auto text = file.text(key);
      return text ? std::optional(ChatTemplate::compile(std::string(*text), model.string() + ":" + key))
                  : std::nullopt;
    };
    if (auto plain = from_key("tokenizer.chat_template")) {
      return combine(*plain, from_key("tokenizer.chat_template.tool_use"));
    }
  }
  return {};
}

}  // namespace lore
