#include "lore/corpus/row_form.h"

#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/corpus/chat_forms.h"
#include "lore/corpus/glossary.h"
#include "lore/corpus/json_text.h"
#include "lore/corpus/row_cells.h"
#include "lore/corpus/row_format.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

std::vector<GlossaryTemplate> templates_of(const SourceSpec& spec) {
  if (spec.format != "auto" && spec.format != "glossary") {
    if (!spec.templates.empty()) {
      throw Error(ErrorKind::kUsage, "templates",
                  fmt::format("belongs to the format glossary; the source's format is {}", spec.format));
    }
    return {};
  }
  return choose_glossary_templates(spec.templates);
}

/// Adds what a chat template is given besides the messages.
void add_template_inputs(const Json& row, Json& result) {
  for (const char* key : {"tools", "chat_template_kwargs"}) {
    const Json* cell = find_cell(row, key);
    if (cell == nullptr) {
      continue;
    }
    Json value = structured_cell(*cell, key);
    const bool fits = std::string_view(key) == "tools" ? value.is_array() : value.is_object();
    if (!fits) {
      throw Error(ErrorKind::kInput, key,
                  fmt::format("expected {}, got {}",
                              std::string_view(key) == "tools" ? "a list" : "an object", kind_of(value)));
    }
    result[key] = std::move(value);
  }
}

bool holds_messages(const Json& cell) {
  if (!cell.is_string()) {
    return cell.is_array();
  }
  const std::string_view text = trimmed(cell.get_ref<const std::string&>());
  if (!text.starts_with('[') || !text.ends_with(']')) {
    return false;
  }
  Json list;
  try {
    list = parse_row_json(text);
  } catch (const Error&) {
    return false;  // a text in brackets
  }
  return list.is_array() && !list.empty() && list[0].is_object() &&
         (list[0].contains("role") || list[0].contains("from"));
}

Json prompt_and_completion(const Json& row) {
  const Json& prompt = row.at("prompt");
  const Json& completion = row.at("completion");
  if (holds_messages(prompt) && holds_messages(completion)) {
    Json result = {{"prompt", chat_messages(prompt, "prompt")},
                   {"completion", chat_messages(completion, "completion")}};
    check_assistant(result["completion"], "completion");
    return result;
  }
  if (prompt.is_array() != completion.is_array()) {
    throw Error(ErrorKind::kInput, "row",
                fmt::format("prompt and completion are two texts or two lists of messages, got {} and {}",
                            kind_of(prompt), kind_of(completion)));
  }
  // An empty prompt is allowed: the completion is then trained on its own.
  const bool unprompted = prompt.is_string() && is_blank(prompt.get_ref<const std::string&>());
  return {{"prompt", unprompted ? prompt : Json(text_cell(row, "prompt"))},
          {"completion", text_cell(row, "completion")}};
}

Json trainable(const Json& row, const RowFormat& format) {
  if (format.name == "text") {
    return {{"text", text_cell(row, "text")}};
  }
  Json result = Json::object();
  if (format.name == "prompt_completion") {
    result = prompt_and_completion(row);
  } else if (format.name == "alpaca") {
    result["messages"] = alpaca_messages(row);
  } else {
    const char* name = format.name == "sharegpt" ? "conversations" : "messages";
    Json messages = chat_messages(row.at(name), name);
    add_system_message(messages, row);
    check_assistant(messages, name);
    result["messages"] = std::move(messages);
  }
  add_template_inputs(row, result);
  return result;
}

}  // namespace

RowForm::RowForm(const SourceSpec& spec)
    : format_(spec.format), columns_(spec.columns), templates_(templates_of(spec)) {
  if (format_ != "auto") {
    find_row_format(format_);
  }
  check_column_names(spec.columns, format_ == "auto" ? "" : format_);
}

std::vector<Row> RowForm::apply(Row row) const {
  row = columns_.renamed(std::move(row));
  const RowFormat& format = format_ == "auto" ? detect_row_format(row.value) : find_row_format(format_);
  check_row_format(row.value, format);
  if (format.name == "glossary") {
    return expand_term(read_glossary_term(row), templates_);
  }
  return {{trainable(row.value, format), std::move(row.source)}};
}

}  // namespace lore
