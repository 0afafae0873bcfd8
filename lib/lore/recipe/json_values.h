#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "lore/recipe/field_types.h"

namespace lore {

template <class T>
nlohmann::ordered_json to_json_value(const T& value);

/// Collects the keys of one section into a JSON object.
class JsonWriter {
 public:
  template <class Member>
  void operator()(std::string_view key, const Member& member, const Field&) {
    if (!is_unset(member)) {
      object_[std::string(key)] = to_json_value(member);
    }
  }
  nlohmann::ordered_json take() { return std::move(object_); }

 private:
  nlohmann::ordered_json object_ = nlohmann::ordered_json::object();
};

/// The value of one key as JSON, unset keys of sections left out.
template <class T>
nlohmann::ordered_json to_json_value(const T& value) {
  if constexpr (Section<const T>) {
    JsonWriter writer;
    describe(value, writer);
    return writer.take();
  } else if constexpr (OptionalField<T>) {
    return value ? to_json_value(*value) : nlohmann::ordered_json();
  } else if constexpr (MappingField<T>) {
    auto object = nlohmann::ordered_json::object();
    for (const auto& [name, element] : value) {
      object[name] = element;
    }
    return object;
  } else if constexpr (ListField<T>) {
    auto array = nlohmann::ordered_json::array();
    for (const auto& element : value) {
      array.push_back(to_json_value(element));
    }
    return array;
  } else if constexpr (ChoiceField<T>) {
    return std::visit([](const auto& chosen) { return to_json_value(chosen); }, value);
  } else {
    return value;
  }
}

/// JSON as YAML on one line: `[q_proj, v_proj]`, `{ path: "a b" }`.
std::string flow_yaml(const nlohmann::ordered_json& value);

}  // namespace lore
