#include "lore/recipe/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "lore/recipe/yaml_text.h"

namespace lore {
namespace {

using Kind = YamlNode::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

/// `text` less the digits it starts with.
std::string_view after_digits(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  return text.substr(static_cast<std::size_t>(end - text.begin()));
}

std::string_view after_sign(std::string_view text) {
  return text.starts_with('-') || text.starts_with('+') ? text.substr(1) : text;
}

/// [-+]? ( 0 | [1-9][0-9]* )
bool is_integer(std::string_view text) {
  text = after_sign(text);
  return !text.empty() && after_digits(text).empty() && (text.size() == 1 || text[0] != '0');
}

/// [-+]? ( [0-9]+ ( \. [0-9]* )? | \. [0-9]+ ) ( [eE] [-+]? [0-9]+ )?
bool is_number(std::string_view text) {
  text = after_sign(text);
  std::string_view rest = after_digits(text);
  const bool whole = rest.size() < text.size();
  bool fraction = false;
  if (rest.starts_with('.')) {
    const std::string_view decimals = rest.substr(1);
    rest = after_digits(decimals);
    fraction = rest.size() < decimals.size();
  }
  if (!whole && !fraction) {
    return false;
  }
  if (rest.starts_with('e') || rest.starts_with('E')) {
    const std::string_view exponent = after_sign(rest.substr(1));
    return !exponent.empty() && after_digits(exponent).empty();
  }
  return rest.empty();
}

/// Numbers that YAML 1.1, or a person, writes and that are not read here: 1_000, 0x10, 010, .inf, nan.
bool is_foreign_number(std::string_view text) {
  const std::string body = lower(after_sign(text));
  if (body == ".inf" || body == ".nan" || body == "inf" || body == "nan" || body == "infinity") {
    return true;
  }
  const bool prefixed = body.starts_with("0x") || body.starts_with("0o") || body.starts_with("0b");
  const bool digits =
      !body.empty() && is_digit(body[0]) && body.find_first_not_of("0123456789_.") == std::string::npos;
  return prefixed || (digits && !is_number(text)) ||
         (digits && !is_integer(text) && body.find('.') == std::string::npos);
}

constexpr std::array<std::string_view, 8> kOldBooleans = {"yes", "no", "on",   "off",
                                                          "y",   "n",  "true", "false"};

bool is_old_boolean(std::string_view text) { return std::ranges::count(kOldBooleans, lower(text)) > 0; }

bool is_boolean(std::string_view text) { return text == "true" || text == "false"; }

template <class T>
ScalarResult convert(std::string_view text, T& value) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
  }
  T parsed{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error == std::errc::result_out_of_range || end != text.data() + text.size()) {
    return ScalarResult::kTooLarge;
  }
  value = parsed;
  return ScalarResult::kRead;
}

}  // namespace

ScalarResult read_scalar(const YamlNode& node, std::int64_t& value) {
  if (node.kind != Kind::kPlain || !is_integer(node.text)) {
    return ScalarResult::kWrongType;
  }
  return convert(node.text, value);
}

ScalarResult read_scalar(const YamlNode& node, std::uint64_t& value) {
  if (node.kind != Kind::kPlain || !is_integer(node.text)) {
    return ScalarResult::kWrongType;
  }
  return convert(node.text, value);
}

ScalarResult read_scalar(const YamlNode& node, double& value) {
  if (node.kind != Kind::kPlain || !is_number(node.text) || is_foreign_number(node.text)) {
    return ScalarResult::kWrongType;
  }
  return convert(node.text, value);
}

ScalarResult read_scalar(const YamlNode& node, bool& value) {
  if (node.kind != Kind::kPlain || !is_boolean(node.text)) {
    return ScalarResult::kWrongType;
  }
  value = node.text == "true";
  return ScalarResult::kRead;
}

ScalarResult read_scalar(const YamlNode& node, std::string& value) {
  const bool text = node.kind == Kind::kQuoted ||
                    (node.kind == Kind::kPlain && !is_boolean(node.text) && !is_number(node.text));
  if (!text) {
    return ScalarResult::kWrongType;
  }
  value = node.text;
  return ScalarResult::kRead;
}

bool is_special_scalar(std::string_view text) {
  const std::string folded = lower(text);
  return folded.empty() || folded == "~" || folded == "null" || is_old_boolean(text) || is_number(text) ||
         is_foreign_number(text);
}

std::string describe_value(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a mapping";
    case Kind::kPlain:
      if (is_number(node.text)) {
        return "the number " + node.text.substr(0, 40);
      }
      if (is_boolean(node.text)) {
        return node.text;
      }
      [[fallthrough]];
    case Kind::kQuoted:
      break;
  }
  return quoted_text(node.text);
}

std::string advice_on_type(const YamlNode& node, std::string_view wanted) {
  if (node.kind == Kind::kQuoted && (is_number(node.text) || is_boolean(node.text))) {
    return " (remove the quotation marks)";
  }
  if (node.kind != Kind::kPlain) {
    return "";
  }
  if (wanted == "true or false" && is_old_boolean(node.text)) {
    const std::string word = lower(node.text);
    const bool yes = word == "yes" || word == "on" || word == "y" || word == "true";
    return fmt::format(" (did you mean {}?)", yes);
  }
  if (wanted == "text" && (is_number(node.text) || is_boolean(node.text))) {
    return " (put it in quotation marks)";
  }
  if (wanted.ends_with("number") && is_foreign_number(node.text)) {
    return " (numbers are decimal and finite, without underscores or leading zeros)";
  }
  if (wanted == "a whole number" && is_number(node.text)) {
    return " (without a point or an exponent)";
  }
  return "";
}

}  // namespace lore
