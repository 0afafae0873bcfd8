#include "lore/recipe/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "lore/recipe/json_values.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json schema_of(const T& value, const Field& field);

/// `schema` that takes null as well: null gives a key its default.
void allow_null(Json& schema) {
  if (schema.contains("anyOf")) {
    schema["anyOf"].push_back({{"type", "null"}});
    return;
  }
  schema["type"] = Json::array({schema["type"], "null"});
  if (schema.contains("enum")) {
    schema["enum"].push_back(nullptr);
  }
}

/// Collects the keys of one section.
class SchemaWriter {
 public:
  template <class Member>
  void operator()(std::string_view key, const Member& member, const Field& field) {
    Json schema = schema_of(member, field);
    const bool required = field.required || schema.contains("required");
    if (required) {
      required_.push_back(key);
    } else {
      allow_null(schema);
    }
    schema["description"] = field.doc;
    if (!required && !Section<const Member> && !is_unset(member)) {
      schema["default"] = to_json_value(member);
    }
    properties_[std::string(key)] = std::move(schema);
  }

  Json take() {
    Json schema = {
        {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties_)}};
    if (!required_.empty()) {
      schema["required"] = std::move(required_);
    }
    return schema;
  }

 private:
  Json properties_ = Json::object();
  Json required_ = Json::array();
};

/// A bound as a whole number where it is one: editors show 1, not 1.0.
Json bound(double value) {
  return value == std::floor(value) ? Json(static_cast<std::int64_t>(value)) : Json(value);
}

template <class T>
Json number_schema(const Range& range) {
  Json schema = {{"type", std::is_integral_v<T> ? "integer" : "number"}};
  if (std::isfinite(range.minimum)) {
    schema[range.minimum_excluded ? "exclusiveMinimum" : "minimum"] = bound(range.minimum);
  }
  if (std::isfinite(range.maximum)) {
    schema[range.maximum_excluded ? "exclusiveMaximum" : "maximum"] = bound(range.maximum);
  }
  if (std::is_unsigned_v<T> && !range.bounded()) {
    schema["minimum"] = 0;
    schema["maximum"] = std::numeric_limits<std::uint64_t>::max();
  }
  return schema;
}

Json text_schema(const Field& field) {
  if (field.choices.empty() || field.path == PathRule::kPathOrName) {
    return {{"type", "string"}, {"minLength", 1}};
  }
  if (std::ranges::none_of(field.choices, ends_with_number)) {
    return {{"type", "string"}, {"enum", field.choices}};
  }
  std::string pattern;
  for (const std::string_view choice : field.choices) {
    const std::string_view stem = choice.substr(0, choice.size() - (ends_with_number(choice) ? 1 : 0));
    pattern +=
        fmt::format("{}{}{}", pattern.empty() ? "" : "|", stem, ends_with_number(choice) ? "[0-9]{1,3}" : "");
  }
  return {{"type", "string"}, {"pattern", fmt::format("^({})$", pattern)}};
}

template <class T>
Json schema_of(const T& value, const Field& field) {
  if constexpr (Section<const T>) {
    SchemaWriter writer;
    describe(value, writer);
    return writer.take();
  } else if constexpr (OptionalField<T>) {
    return schema_of(typename FieldType<T>::Inner{}, field);
  } else if constexpr (MappingField<T>) {
    return {{"type", "object"}, {"additionalProperties", schema_of(typename FieldType<T>::Inner{}, field)}};
  } else if constexpr (ListField<T>) {
    Json schema = {{"type", "array"}, {"items", schema_of(typename FieldType<T>::Inner{}, field)}};
    if (field.required) {
      schema["minItems"] = 1;
    }
    return schema;
  } else if constexpr (std::is_same_v<T, std::variant<bool, std::string>>) {
    return {{"anyOf", Json::array({{{"const", true}}, text_schema(field)})}};
  } else if constexpr (ChoiceField<T>) {
    Json list = schema_of(typename FieldType<T>::Second{}, field);
    list["minItems"] = 1;
    return {{"anyOf", Json::array({text_schema(field), std::move(list)})}};
  } else if constexpr (std::is_same_v<T, std::string>) {
    return text_schema(field);
  } else if constexpr (std::is_same_v<T, bool>) {
    return {{"type", "boolean"}};
  } else {
    return number_schema<T>(field.range);
  }
}

}  // namespace

Json json_schema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Lore recipe"}};
  const Recipe recipe;
  schema.update(schema_of(recipe, {.doc = ""}));
  return schema;
}

}  // namespace lore
