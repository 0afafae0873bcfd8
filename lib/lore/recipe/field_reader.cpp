#include "lore/recipe/field_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <system_error>

#include "lore/core/suggestion.h"
#include "lore/core/utf8.h"
#include "lore/recipe/combinations.h"
#include "lore/recipe/describe_matrix.h"
#include "lore/recipe/field_types.h"
#include "lore/recipe/keys.h"
#include "lore/recipe/paths.h"
#include "lore/recipe/scalars.h"
#include "lore/recipe/yaml_text.h"

namespace lore {
namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kMostSuggestionBytes = 64;  // the edit distance is quadratic

bool holds_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

/// "a", "a or b", "a, b or c"
std::string either(const std::vector<std::string>& names) {
  if (names.size() < 2) {
    return names.empty() ? "" : names[0];
  }
  return fmt::format("{} or {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
}

std::string did_you_mean(const std::string& name) {
  return name.empty() ? "" : fmt::format(" (did you mean {}?)", quoted_text(name));
}

std::string joined(const std::string& section, std::string_view key) {
  return section.empty() ? std::string(key) : fmt::format("{}.{}", section, key);
}

}  // namespace

/// Reads the keys of one section, noting which there are.
class FieldReader::SectionVisitor {
 public:
  SectionVisitor(FieldReader& reader, const YamlNode* map, const YamlPlace& place, const std::string& section)
      : reader_(reader), map_(map), place_(place), section_(section) {}

  template <class Member>
  void operator()(std::string_view key, Member& member, const Field& field) {
    known.emplace_back(key);
    const std::string name = joined(section_, key);
    const YamlEntry* entry = map_ != nullptr ? map_->find(key) : nullptr;
    if (entry != nullptr) {
      reader_.place_of_key_.emplace(name, entry->place);
    }
    const bool missing = entry == nullptr || entry->value->kind == Kind::kNull;
    const YamlPlace& place = entry != nullptr ? entry->place : place_;
    if constexpr (Section<Member>) {
      reader_.read_section(missing ? nullptr : entry->value.get(), place, name, member);
    } else if (!missing) {
      reader_.read_value(*entry->value, name, field, member);
    } else if (field.required) {
      reader_.report(place, name, fmt::format("missing required key {}", quoted_text(name)));
    }
  }

  std::vector<std::string> known;

 private:
  FieldReader& reader_;
  const YamlNode* map_;
  const YamlPlace& place_;
  const std::string& section_;
};

void FieldReader::read(const YamlNode& root, Recipe& recipe) {
  read_section(&root, root.place, "", recipe);
  report_conflicts(recipe);
}

void FieldReader::read(const YamlNode& root, MatrixSpec& matrix) {
  what_ = "a matrix";
  keys_ = &matrix_keys();
  read_section(&root, root.place, "", matrix);
}

template <class Spec>
void FieldReader::read_section(const YamlNode* map, const YamlPlace& place, const std::string& name,
                               Spec& spec) {
  if (map != nullptr && map->kind != Kind::kMap) {
    report(map->place, name,
           fmt::format("{} must be a mapping of keys, got {}", name.empty() ? what_ : name,
                       describe_value(*map)));
    return;
  }
  SectionVisitor visitor(*this, map, place, name);
  describe(spec, visitor);
  if (map != nullptr) {
    report_unknown_keys(*map, name, visitor.known);
  }
}

template <class T>
bool FieldReader::read_value(const YamlNode& node, const std::string& name, const Field& field, T& value) {
  if constexpr (Section<T>) {
    read_section(&node, node.place, name, value);
    return true;
  } else if constexpr (OptionalField<T>) {
    typename FieldType<T>::Inner inner{};
    if (!read_value(node, name, field, inner)) {
      return false;
    }
    value = std::move(inner);
    return true;
  } else if constexpr (MappingField<T>) {
    return read_mapping(node, name, field, value);
  } else if constexpr (ListField<T>) {
    return read_list(node, name, field, value);
  } else if constexpr (ChoiceField<T>) {
    return read_choice(node, name, field, value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return read_text(node, name, field, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return read_scalar(node, value) == ScalarResult::kRead || report_type(node, name, "true or false");
  } else {
    return read_number(node, name, field, value);
  }
}

template <class T>
bool FieldReader::read_list(const YamlNode& node, const std::string& name, const Field& field, T& list) {
  using Element = typename FieldType<T>::Inner;
  if (node.kind != Kind::kList) {
    return report_type(node, name,
                       Section<Element> ? "a list of mappings, such as [{ path: file.jsonl }]" : "a list");
  }
  if (field.required && node.items.empty()) {
    return report(node.place, name, fmt::format("{} must not be empty", name));
  }
  list.clear();
  bool good = true;
  for (std::size_t i = 0; i < node.items.size() && !is_full(); ++i) {
    good = read_value(*node.items[i], fmt::format("{}[{}]", name, i), field, list.emplace_back()) && good;
  }
  return good;
}

template <class T>
bool FieldReader::read_mapping(const YamlNode& node, const std::string& name, const Field& field,
                               T& mapping) {
  if (node.kind != Kind::kMap) {
    return report_type(node, name, "a mapping of names to numbers");
  }
  mapping.clear();
  bool good = true;
  for (const YamlEntry& entry : node.entries) {
    if (entry.key.empty() || holds_control_character(entry.key)) {
      good = report(entry.place, name, fmt::format("{}: {} is not a name", name, quoted_text(entry.key)));
      continue;
    }
    auto& element = mapping.emplace_back();
    element.first = entry.key;
    good = read_value(*entry.value, joined(name, entry.key), field, element.second) && good;
  }
  return good;
}

template <class T>
bool FieldReader::read_choice(const YamlNode& node, const std::string& name, const Field& field, T& value) {
  if constexpr (std::is_same_v<typename FieldType<T>::First, bool>) {
    bool chosen = false;
    std::string text;
    if (read_scalar(node, chosen) == ScalarResult::kRead && chosen) {
      value = true;
      return true;
    }
    if (read_scalar(node, text) == ScalarResult::kRead &&
        std::ranges::any_of(field.choices,
                            [&](std::string_view choice) { return matches_choice(choice, text); })) {
      value = text;
      return true;
    }
    const auto refused = std::ranges::find(field.refused, text, &RefusedValue::value);
    if (refused != field.refused.end()) {
      return report(node.place, name, fmt::format("{}: {} {}", name, text, refused->why));
    }
    std::vector<std::string> choices(field.choices.begin(), field.choices.end());
    choices.insert(choices.begin(), "true");
    return report_type(node, name, either(choices));
  } else {
    if (node.kind == Kind::kMap) {
      return report_type(node, name, "text or a list of text");
    }
    Field filled = field;
    filled.required = true;  // an empty list selects nothing
    typename FieldType<T>::Second list;
    std::string text;
    if (node.kind == Kind::kList && read_list(node, name, filled, list)) {
      value = std::move(list);
      return true;
    }
    if (node.kind != Kind::kList && read_text(node, name, field, text)) {
      value = std::move(text);
      return true;
    }
    return false;
  }
}

template <class T>
bool FieldReader::read_number(const YamlNode& node, const std::string& name, const Field& field, T& value) {
  T number{};
  const ScalarResult result = read_scalar(node, number);
  if (result == ScalarResult::kWrongType) {
    return report_type(node, name, std::is_integral_v<T> ? "a whole number" : "a number");
  }
  if (result == ScalarResult::kTooLarge || !field.range.contains(static_cast<double>(number))) {
    const std::string wanted = field.range.bounded()   ? field.range.text()
                               : std::is_unsigned_v<T> ? "at least 0 and below 2^64"
                                                       : "a number that 64 bits can hold";
    return report(node.place, name,
                  fmt::format("{} must be {}, got {}", name, wanted, node.text.substr(0, 40)));
  }
  value = number;
  return true;
}

bool FieldReader::read_text(const YamlNode& node, const std::string& name, const Field& field,
                            std::string& value) {
  const std::vector<std::string> choices(field.choices.begin(), field.choices.end());
  const bool closed = !choices.empty() && field.path != PathRule::kPathOrName;
  std::string text;
  if (read_scalar(node, text) != ScalarResult::kRead) {
    return report_type(node, name, closed ? either(choices) : "text");
  }
  if (text.empty()) {
    return report(node.place, name, fmt::format("{} must not be empty", name));
  }
  if (holds_control_character(text)) {
    return report(node.place, name, fmt::format("{} holds a control character: {}", name, quoted_text(text)));
  }
  const bool chosen =
      std::ranges::any_of(choices, [&](const std::string& choice) { return matches_choice(choice, text); });
  if (closed && !chosen) {
    const std::string nearest = text.size() <= kMostSuggestionBytes ? nearest_name(text, choices) : "";
    return report(node.place, name,
                  fmt::format("{} must be {}, got {}{}", name, either(choices), quoted_text(text),
                              did_you_mean(nearest)));
  }
  value = std::move(text);
  return field.path == PathRule::kNone || chosen || resolve(node, name, field, value);
}

bool FieldReader::resolve(const YamlNode& node, const std::string& name, const Field& field,
                          std::string& value) {
  if (value == "~" || value.starts_with("~/")) {
    return report(node.place, name,
                  fmt::format("{}: ~ is not expanded in a recipe; write the folder out", name));
  }
  const std::string resolved = resolved_path(folder_, value);
  std::error_code error;
  const bool is_name = (field.path == PathRule::kPathOrHubId && is_hub_id(value)) ||
                       (field.path == PathRule::kPathOrName && is_bare_name(value));
  if (is_name && !std::filesystem::exists(resolved, error)) {
    return true;
  }
  if (!is_valid_utf8(resolved)) {
    return report(node.place, name, fmt::format("{}: the name of the recipe's folder is not UTF-8", name));
  }
  value = resolved;
  return true;
}

void FieldReader::report_unknown_keys(const YamlNode& map, const std::string& name,
                                      const std::vector<std::string>& known) {
  for (const YamlEntry& entry : map.entries) {
    if (is_full() || std::ranges::count(known, entry.key) > 0) {
      continue;
    }
    if (entry.key == "<<") {
      report(entry.place, "", "YAML merge keys (<<) are not read; an alias can stand for a whole section");
      continue;
    }
    report(entry.place, joined(name, entry.key),
           fmt::format("unknown key {}{}{}", quoted_text(entry.key), name.empty() ? "" : " in " + name,
                       did_you_mean(suggested_key(name, entry.key, *keys_))));
  }
}

void FieldReader::report_conflicts(const Recipe& recipe) {
  for (const Conflict& conflict : find_conflicts(recipe)) {
    if (std::ranges::any_of(conflict.keys, [this](const std::string& key) { return is_flawed(key); })) {
      continue;
    }
    YamlPlace place;
    for (const std::string& key : conflict.keys) {
      if (const auto found = place_of_key_.find(key); found != place_of_key_.end()) {
        place = found->second;
        break;
      }
    }
    report(place, "", fmt::format("{} {}", conflict.keys[0], conflict.message));
  }
}

bool FieldReader::report_type(const YamlNode& node, const std::string& name, std::string_view wanted) {
  return report(node.place, name,
                fmt::format("{} must be {}, got {}{}", name, wanted, describe_value(node),
                            advice_on_type(node, wanted)));
}

bool FieldReader::report(const YamlPlace& place, const std::string& name, std::string message) {
  if (!is_full()) {
    problems_.push_back({place, std::move(message)});
    flawed_.insert(name);
  }
  return false;
}

/// True where a problem was reported at `name`, at a section around it or at a part of it.
bool FieldReader::is_flawed(std::string_view name) const {
  return std::ranges::any_of(flawed_, [&](std::string_view flawed) {
    const std::string_view shorter = flawed.size() < name.size() ? flawed : name;
    const std::string_view longer = flawed.size() < name.size() ? name : flawed;
    const bool boundary =
        longer.size() == shorter.size() || longer[shorter.size()] == '.' || longer[shorter.size()] == '[';
    return !shorter.empty() && longer.starts_with(shorter) && boundary;
  });
}

}  // namespace lore
