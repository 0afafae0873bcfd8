#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// Reads the fields of one object of a tokenizer file; `subject` names the object in errors.
/// Throws: Error kInput for an object that is none, a field that is missing or of another type.
class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string subject);

  const std::string& subject() const { return subject_; }
  /// True when the field is there, be it null.
  bool names(std::string_view name) const { return object_.contains(std::string(name)); }
  /// Null when the field is missing or null.
  const nlohmann::json* find(std::string_view name) const;
  const nlohmann::json& at(std::string_view name) const;

  bool boolean(std::string_view name) const;
  bool boolean(std::string_view name, bool otherwise) const;
  std::string text(std::string_view name) const;
  std::string text(std::string_view name, std::string_view otherwise) const;
  /// A text of exactly one character.
  char32_t character(std::string_view name) const;
  /// Not negative.
  std::int64_t count(std::string_view name) const;
  const nlohmann::json& array(std::string_view name) const;

  [[noreturn]] void refuse(std::string_view message) const;

 private:
  [[noreturn]] void refuse_type(std::string_view name, std::string_view wanted) const;

  const nlohmann::json& object_;
  std::string subject_;
};

/// The numbered elements of `array` handed to `make`, with "subject[i]" as their subject.
template <typename Make>
auto make_each(const nlohmann::json& array, const std::string& subject, Make make) {
  std::vector<decltype(make(array, subject))> made;
  for (std::size_t i = 0; i < array.size(); ++i) {
    made.push_back(make(array[i], subject + "[" + std::to_string(i) + "]"));
  }
  return made;
}

}  // namespace lore
