#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "lore/recipe/describe.h"

namespace lore {

struct AnyVisitor {
  template <class Member>
  void operator()(std::string_view, Member&, const Field&);
};

/// A struct of the description: a mapping with known keys.
template <class T>
concept Section = requires(T& section, AnyVisitor& visitor) {
  describe(section, visitor);
};

/// The C++ types that a key may have besides Section and scalars.
template <class T>
struct FieldType {
  static constexpr bool kOptional = false, kList = false, kMapping = false, kChoice = false;
};
template <class T>
struct FieldType<std::optional<T>> : FieldType<void> {
  using Inner = T;
  static constexpr bool kOptional = true;
};
template <class T>
struct FieldType<std::vector<T>> : FieldType<void> {
  using Inner = T;
  static constexpr bool kList = true;
};
template <class T>
struct FieldType<std::vector<std::pair<std::string, T>>> : FieldType<void> {
  using Inner = T;
  static constexpr bool kMapping = true;
};
/// `First` or `Second`, told apart by the YAML.
template <class A, class B>
struct FieldType<std::variant<A, B>> : FieldType<void> {
  using First = A;
  using Second = B;
  static constexpr bool kChoice = true;
};

template <class T>
concept OptionalField = FieldType<T>::kOptional;
template <class T>
concept ListField = FieldType<T>::kList;
template <class T>
concept MappingField = FieldType<T>::kMapping;
template <class T>
concept ChoiceField = FieldType<T>::kChoice;

/// The type as messages and the reference name it, without an article.
template <class T>
std::string type_name() {
  if constexpr (std::is_same_v<T, std::string>) {
    return "text";
  } else if constexpr (std::is_same_v<T, bool>) {
    return "true or false";
  } else if constexpr (std::is_integral_v<T>) {
    return "whole number";
  } else if constexpr (std::is_floating_point_v<T>) {
    return "number";
  } else if constexpr (OptionalField<T>) {
    return type_name<typename FieldType<T>::Inner>();
  } else if constexpr (MappingField<T>) {
    return "mapping of name to " + type_name<typename FieldType<T>::Inner>();
  } else if constexpr (ListField<T>) {
    return "list of " + type_name<typename FieldType<T>::Inner>();
  } else if constexpr (std::is_same_v<T, std::variant<bool, std::string>>) {
    return "true or text";
  } else if constexpr (ChoiceField<T>) {
    return type_name<typename FieldType<T>::First>() + " or " + type_name<typename FieldType<T>::Second>();
  } else {
    static_assert(Section<T>);
    return "section";
  }
}

/// True where the writer leaves the key out: unset, empty text, empty list.
template <class T>
bool is_unset(const T& value) {
  if constexpr (OptionalField<T>) {
    return !value.has_value();
  } else if constexpr (requires { value.empty(); }) {
    return value.empty();
  } else {
    return false;
  }
}

}  // namespace lore
