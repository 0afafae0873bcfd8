#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/formats/gguf.h"
#include "lore/formats/json_file.h"
#include "lore/text/chat_template.h"

namespace lore {
namespace {

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
    for (const auto& named : *entry) {
      if (named.is_object() && named.value("name", nlohmann::json()) == "default" &&
          named.contains("template") && named["template"].is_string()) {
        return ChatTemplate::compile(named["template"].get<std::string>(),
                                     path.string() + ":chat_template.default");
      }
    }
  }
  throw Error(ErrorKind::kInput, path.string(),
              "chat_template is neither a text nor a list of {name, template} with one named 'default'");
}

}  // namespace

std::optional<ChatTemplate> find_chat_template(const std::filesystem::path& model) {
  if (std::filesystem::is_directory(model)) {
    if (const auto path = model / "chat_template.jinja"; std::filesystem::exists(path)) {
      return ChatTemplate::compile(std::string(MappedFile::open(path)->text()), path.string());
    }
    if (const auto path = model / "tokenizer_config.json"; std::filesystem::exists(path)) {
      return from_config(path);
    }
    return {};
  }
  if (model.extension() == ".gguf") {
    const GgufFile file = GgufFile::open(model);
    if (const auto text = file.text("tokenizer.chat_template")) {
      return ChatTemplate::compile(std::string(*text), model.string() + ":tokenizer.chat_template");
    }
  }
  return {};
}

}  // namespace lore
