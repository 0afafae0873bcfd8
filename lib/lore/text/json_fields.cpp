#include "lore/text/json_fields.h"

#include <fmt/format.h>

#include <utility>

#include "lore/core/error.h"
#include "lore/core/utf8.h"

namespace lore {

JsonFields::JsonFields(const nlohmann::json& object, std::string subject)
    : object_(object), subject_(std::move(subject)) {
  if (!object.is_object()) refuse("expected an object");
}

void JsonFields::refuse(std::string_view message) const {
  throw Error(ErrorKind::kInput, subject_, std::string(message));
}

void JsonFields::refuse_type(std::string_view name, std::string_view wanted) const {
  refuse(fmt::format("\"{}\" must be {}", name, wanted));
}

const nlohmann::json* JsonFields::find(std::string_view name) const {
  auto field = object_.find(std::string(name));
  return field == object_.end() || field->is_null() ? nullptr : &*field;
}

const nlohmann::json& JsonFields::at(std::string_view name) const {
  const nlohmann::json* field = find(name);
  if (field == nullptr) refuse(fmt::format("\"{}\" is missing", name));
  return *field;
}

bool JsonFields::boolean(std::string_view name) const {
  const nlohmann::json& field = at(name);
  if (!field.is_boolean()) refuse_type(name, "true or false");
  return field.get<bool>();
}

bool JsonFields::boolean(std::string_view name, bool otherwise) const {
  return find(name) == nullptr ? otherwise : boolean(name);
}

std::string JsonFields::text(std::string_view name) const {
  const nlohmann::json& field = at(name);
  if (!field.is_string()) refuse_type(name, "a text");
  return field.get<std::string>();
}

std::string JsonFields::text(std::string_view name, std::string_view otherwise) const {
  return find(name) == nullptr ? std::string(otherwise) : text(name);
}

char32_t JsonFields::character(std::string_view name) const {
  std::string value = text(name);
  std::size_t end = 0;
  char32_t character = value.empty() ? 0 : next_character(value, end);
  if (value.empty() || end != value.size()) refuse_type(name, "one character");
  return character;
}

std::int64_t JsonFields::count(std::string_view name) const {
  const nlohmann::json& field = at(name);
  if (!field.is_number_integer() || field.get<std::int64_t>() < 0 || field.get<std::int64_t>() > INT32_MAX) {
    refuse_type(name, "a whole number from 0 to 2147483647");
  }
  return field.get<std::int64_t>();
}

const nlohmann::json& JsonFields::array(std::string_view name) const {
  const nlohmann::json& field = at(name);
  if (!field.is_array()) refuse_type(name, "a list");
  return field;
}

}  // namespace lore
