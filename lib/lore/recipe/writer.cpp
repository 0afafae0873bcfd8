#include "lore/recipe/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lore/recipe/json_values.h"
#include "lore/recipe/scalars.h"

namespace lore {
namespace {

using Json = nlohmann::ordered_json;

bool is_plain_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '/' ||
         c == '.' || c == '-';
}

/// `text` as it stands where every YAML reader takes it for a string, else in double quotes.
std::string yaml_string(std::string_view text) {
  const bool plain =
      !is_special_scalar(text) && text[0] != '-' && std::ranges::all_of(text, is_plain_character);
  if (plain) {
    return std::string(text);
  }
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      result += fmt::format("\\x{:02X}", byte);
    } else {
      result += c;
    }
  }
  return result + '"';
}

/// The shortest decimal that reads back equal; with a point before an exponent, as YAML 1.1 readers need.
std::string yaml_number(double value) {
  std::string text = fmt::format("{}", value);
  const std::size_t exponent = text.find('e');
  if (exponent != std::string::npos && text.find('.') == std::string::npos) {
    text.insert(exponent, ".0");
  }
  return text;
}

bool holds_objects(const Json& value) {
  return value.is_array() && std::ranges::any_of(value, [](const Json& item) { return item.is_object(); });
}

void write_block(const Json& object, const std::string& indent, std::string& out) {
  for (const auto& [key, value] : object.items()) {
    out += fmt::format("{}{}:", indent, yaml_string(key));
    if (value.is_object() && !value.empty()) {
      out += '\n';
      write_block(value, indent + "  ", out);
    } else if (holds_objects(value)) {
      out += '\n';
      for (const Json& item : value) {
        out += fmt::format("{}  - {}\n", indent, flow_yaml(item));
      }
    } else {
      out += fmt::format(" {}\n", flow_yaml(value));
    }
  }
}

}  // namespace

std::string flow_yaml(const Json& value) {
  if (value.is_string()) {
    return yaml_string(value.get_ref<const std::string&>());
  }
  if (value.is_number_float()) {
    return yaml_number(value.get<double>());
  }
  if (!value.is_structured()) {
    return value.dump();
  }
  std::string inner;
  for (const auto& [key, element] : value.items()) {
    const std::string name = value.is_object() ? yaml_string(key) + ": " : "";
    fmt::format_to(std::back_inserter(inner), "{}{}{}", inner.empty() ? "" : ", ", name, flow_yaml(element));
  }
  return value.is_array() ? fmt::format("[{}]", inner)
         : inner.empty()  ? "{}"
                          : fmt::format("{{ {} }}", inner);
}

std::string to_yaml(const Recipe& recipe) {
  std::string text;
  write_block(to_json(recipe), "", text);
  return text;
}

Json to_json(const Recipe& recipe) { return to_json_value(recipe); }

}  // namespace lore
