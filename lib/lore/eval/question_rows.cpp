#include "lore/eval/question_rows.h"

#include <fmt/format.h>

#include <variant>

#include "lore/core/error.h"
#include "lore/corpus/row_cells.h"
#include "lore/corpus/row_reader.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kGroupColumns[] = {"domain", "topic", "language"};

}  // namespace

std::vector<Row> read_question_rows(const SuiteSpec& spec) {
  SourceSpec source;
  source.path = spec.path;
  source.limit = spec.limit;
  const auto reader = open_rows(source);
  std::vector<Row> rows;
  while (auto read = reader->next()) {
    if (const auto* bad = std::get_if<BadRow>(&*read)) {
      throw Error(ErrorKind::kInput, bad->source, bad->why);
    }
    rows.push_back(std::get<Row>(std::move(*read)));
  }
  if (rows.empty()) {
    throw Error(ErrorKind::kInput, spec.path, "holds no question");
  }
  return rows;
}

std::map<std::string, std::string> read_groups(const Json& row) {
  std::map<std::string, std::string> groups;
  for (const char* column : kGroupColumns) {
    if (const auto group = optional_text_cell(row, column)) {
      groups[column] = *group;
    }
  }
  const Json* cell = find_cell(row, "groups");
  if (cell == nullptr) {
    return groups;
  }
  const Json object = structured_cell(*cell, "groups");
  if (!object.is_object()) {
    throw Error(
        ErrorKind::kInput, "groups",
        fmt::format("expected an object of texts, as {{\"topic\": \"geography\"}}, got {}", kind_of(object)));
  }
  for (const auto& [grouping, group] : object.items()) {
    if (!group.is_string()) {
      throw Error(ErrorKind::kInput, "groups." + grouping,
                  fmt::format("expected text, got {}", kind_of(group)));
    }
    groups[grouping] = group.get<std::string>();
  }
  return groups;
}

std::string read_id(const Json& row, const std::string& place) {
  const Json* id = find_cell(row, "id");
  if (id == nullptr) {
    return place;
  }
  return id->is_number_integer() ? id->dump() : text_cell(row, "id");
}

std::string question_text(const Json& prompt) {
  const auto messages = prompt.find("messages");
  if (messages == prompt.end()) {
    return prompt.value("prompt", "");
  }
  const Json content = messages->empty() ? Json() : messages->back().value("content", Json());
  return content.is_string() ? content.get<std::string>() : "";
}

}  // namespace lore
