#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lore/text/jinja_builtins.h"
#include "lore/text/jinja_operators.h"
#include "lore/text/jinja_print.h"
#include "lore/text/jinja_string.h"

namespace lore::jinja {
namespace {

using Kind = Value::Kind;

constexpr std::int64_t kMaxWidth = 1000;

/// A number of spaces; a negative one is none. Throws: Failure beyond kMaxWidth.
std::int64_t checked_width(std::int64_t width, std::string_view filter) {
  if (width > kMaxWidth) {
    throw Failure(fmt::format("{}: widths end at {}", filter, kMaxWidth));
  }
  return std::max<std::int64_t>(width, 0);
}

Value trim(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("trim", arguments, {"chars"});
  const bool given = bound[0] && !bound[0]->is_none();
  const std::string characters = bound.text_or(0, "");
  const std::string text = to_text(target);
  runtime.charge_search(text, characters);
  return Value(strip(text, given ? std::optional<std::string_view>(characters) : std::nullopt, Side::kBoth));
}

Value to_json_filter(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ensure_ascii = bound.flag_or(0, false);
  style.sort_keys = bound.flag_or(3, false);
  if (bound[1] && bound[1]->is_string()) {
    style.indent = bound[1]->as_string();
  } else if (bound[1] && !bound[1]->is_none()) {
    const std::int64_t width = bound.integer_or(1, 0);
    style.indent = std::string(static_cast<std::size_t>(checked_width(width, "tojson")), ' ');
  }
  if (style.indent) {
    style.item_separator = ",";
  }
  if (bound[2] && !bound[2]->is_none()) {
    const std::vector<Value> separators = items_of(runtime, *bound[2]);
    if (separators.size() != 2) {
      throw Failure("tojson: separators are two strings");
    }
    style.item_separator = to_text(separators[0]);
    style.key_separator = to_text(separators[1]);
  }
  std::string text = to_json(target, style);
  runtime.charge_bytes(text.size());
  return Value(std::move(text));
}

Value length(Runtime&, const Value& target, Arguments&) { return Value(length_of(target)); }

Value default_value(Runtime&, const Value& target, Arguments& arguments) {
  const Bound bound("default", arguments, {"default_value", "boolean"});
  const bool absent = target.is_undefined() || (bound.flag_or(1, false) && !target.truthy());
  return !absent ? target : bound[0] ? *bound[0] : Value("");
}

template <std::string (*kMap)(std::string_view)>
Value mapped(Runtime&, const Value& target, Arguments&) {
  return Value(kMap(to_text(target)));
}

/// The filter `title`: words begin after white space, hyphens and opening brackets.
std::string title_words(std::string_view text) {
  std::string result;
  bool inside = false;
  for (const char32_t c : decode_utf8(text)) {
    const std::string one = encode_utf8(std::u32string_view(&c, 1));
    const bool separates = is_space(c) || (c < 0x80 && std::string_view("-({[<").find(static_cast<char>(c)) !=
                                                           std::string_view::npos);
    result += separates ? one : inside ? to_lower(one) : to_upper(one);
    inside = !separates;
  }
  return result;
}

Value replace_filter(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("replace", arguments, {"old", "new", "count"});
  Arguments as_text;
  as_text.positional = {Value(to_text(bound.required(0))), Value(to_text(bound.required(1)))};
  if (bound[2] && !bound[2]->is_none()) {
    as_text.positional.push_back(*bound[2]);
  }
  const Value text(to_text(target));
  return find_method(text, "replace")(runtime, text, as_text);
}

Value string_filter(Runtime&, const Value& target, Arguments&) {
  return target.is_string() ? target : Value(to_text(target));
}

Value safe(Runtime&, const Value& target, Arguments&) { return Value::safe(to_text(target)); }

Value escape(Runtime&, const Value& target, Arguments&) {
  return target.is_safe() ? target : Value::safe(escape_html(to_text(target)));
}

std::optional<double> parse_float(const std::string& text) {
  std::string digits = strip(text, {}, Side::kBoth);
  const bool plus = digits.starts_with('+');
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data() + (plus ? 1 : 0), end, value);
  return result.ec == std::errc() && result.ptr == end ? std::optional(value) : std::nullopt;
}

Value to_int(Runtime&, const Value& target, Arguments& arguments) {
  const Bound bound("int", arguments, {"default", "base"});
  Value fallback = bound[0] ? *bound[0] : Value(std::int64_t{0});
  if (target.is_undefined()) {
    target.fail_undefined();
  }
  if (target.is_integral()) {
    return Value(target.as_int());
  }
  std::optional<double> number;
  if (target.is_string()) {
    const std::string digits = strip(target.as_string(), {}, Side::kBoth);
    const bool plus = digits.size() > 1 && digits[0] == '+' && digits[1] != '-';
    std::int64_t value = 0;
    const char* end = digits.data() + digits.size();
    const std::int64_t base = bound.integer_or(1, 10);
    if (base < 2 || base > 36) {
      throw Failure("int: the base is not between 2 and 36");
    }
    const auto result = std::from_chars(digits.data() + (plus ? 1 : 0), end, value, static_cast<int>(base));
    if (result.ec == std::errc() && result.ptr == end) {
      return Value(value);
    }
    number = parse_float(digits);
  } else if (target.is(Kind::kFloat)) {
    number = target.as_double();
  }
  if (!number || !std::isfinite(*number)) {
    return fallback;
  }
  if (std::fabs(*number) >= 9.2e18) {
    throw Failure("int: the number does not fit 64 bits");
  }
  return Value(static_cast<std::int64_t>(*number));
}

Value to_float(Runtime&, const Value& target, Arguments& arguments) {
  const Bound bound("float", arguments, {"default"});
  if (target.is_undefined()) {
    target.fail_undefined();
  }
  if (target.is_number()) {
    return Value(target.as_double());
  }
  const std::optional<double> number = target.is_string() ? parse_float(target.as_string()) : std::nullopt;
  return number ? Value(*number) : bound[0] ? *bound[0] : Value(0.0);
}

Value absolute(Runtime&, const Value& target, Arguments&) {
  if (!target.is_number()) {
    throw Failure(fmt::format("abs does not take '{}'", target.type_name()));
  }
  if (target.is_integral()) {
    return target.as_int() < 0 ? negate(target) : Value(target.as_int());
  }
  return Value(std::fabs(target.as_double()));
}

Value round_number(Runtime&, const Value& target, Arguments& arguments) {
  const Bound bound("round", arguments, {"precision", "method"});
  const std::int64_t precision = bound.integer_or(0, 0);
  const std::string method = bound.text_or(1, "common");
  if (!target.is_number() || precision < -18 || precision > 300) {
    throw Failure("round: the value is not a number, or the precision is out of range");
  }
  if (method == "ceil" || method == "floor") {
    const double scale = std::pow(10.0, static_cast<double>(precision));
    const double scaled = target.as_double() * scale;
    return Value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
  }
  if (method != "common") {
    throw Failure("round: the method is 'common', 'ceil' or 'floor'");
  }
  if (target.is_integral() && precision >= 0) {
    return Value(target.as_int());
  }
  if (precision < 0) {
    const double scale = std::pow(10.0, static_cast<double>(-precision));
    const double rounded = std::nearbyint(target.as_double() / scale) * scale;
    return target.is_integral() ? Value(static_cast<std::int64_t>(rounded)) : Value(rounded);
  }
  if (!std::isfinite(target.as_double())) {
    return target;
  }
  // Decimal digits of the exact binary value, ties to even: what Python's round does.
  const auto text = fmt::format("{:.{}f}", target.as_double(), static_cast<int>(precision));
  return Value(*parse_float(text));
}

Value indent(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("indent", arguments, {"width", "first", "blank"});
  const bool by_text = bound[0] && bound[0]->is_string();
  const std::int64_t width = by_text ? 0 : checked_width(bound.integer_or(0, 4), "indent");
  const std::string indention =
      by_text ? bound[0]->as_string() : std::string(static_cast<std::size_t>(width), ' ');
  const std::vector<std::string> lines = split_lines(to_text(target) + "\n");
  std::string text = bound.flag_or(1, false) ? indention : "";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) {
      text += '\n';
      text += lines[i].empty() && !bound.flag_or(2, false) ? "" : indention;
    }
    text += lines[i];
    if (text.size() > kMaxOutput) {
      break;
    }
  }
  runtime.charge_bytes(text.size());
  return Value(std::move(text));
}

Value center(Runtime&, const Value& target, Arguments& arguments) {
  const Bound bound("center", arguments, {"width"});
  const std::string text = to_text(target);
  const std::int64_t width = checked_width(bound.integer_or(0, 80), "center");
  const std::int64_t fill =
      std::max<std::int64_t>(width - static_cast<std::int64_t>(count_code_points(text)), 0);
  // Python puts the odd space on the left when the width is odd.
  const std::int64_t left = fill / 2 + (fill & width & 1);
  return Value(std::string(static_cast<std::size_t>(left), ' ') + text +
               std::string(static_cast<std::size_t>(fill - left), ' '));
}

Value word_count(Runtime&, const Value& target, Arguments&) {
  std::int64_t words = 0;
  bool inside = false;
  for (const char32_t c : decode_utf8(to_text(target))) {
    const bool word =
        c == U'_' || (is_printable(c) && (c >= 0x80 ? !is_space(c) : std::isalnum(static_cast<int>(c)) != 0));
    words += word && !inside ? 1 : 0;
    inside = word;
  }
  return Value(words);
}

Value format_filter(Runtime& runtime, const Value& target, Arguments& arguments) {
  if (!arguments.named.empty()) {
    throw Failure("format: named values are not supported");
  }
  return Value(percent_format(runtime, to_text(target), arguments.positional));
}

Value attribute(Runtime&, const Value& target, Arguments& arguments) {
  const Bound bound("attr", arguments, {"name"});
  return target.is_dict() && find_method(target, to_text(bound.required(0))) == nullptr
             ? Value::undefined("a mapping has no such attribute")
             : attribute_of(target, to_text(bound.required(0)));
}

struct NamedFilter {
  std::string_view name;
  Filter filter;
};

constexpr NamedFilter kFilters[] = {
    {"trim", trim},
    {"tojson", to_json_filter},
    {"length", length},
    {"count", length},
    {"default", default_value},
    {"d", default_value},
    {"upper", mapped<to_upper>},
    {"lower", mapped<to_lower>},
    {"capitalize", mapped<capitalize>},
    {"title", mapped<title_words>},
    {"replace", replace_filter},
    {"string", string_filter},
    {"safe", safe},
    {"escape", escape},
    {"e", escape},
    {"int", to_int},
    {"float", to_float},
    {"abs", absolute},
    {"round", round_number},
    {"indent", indent},
    {"center", center},
    {"wordcount", word_count},
    {"format", format_filter},
    {"attr", attribute},
};

}  // namespace

Filter find_filter(std::string_view name) {
  const auto found = std::find_if(std::begin(kFilters), std::end(kFilters),
                                  [&](const NamedFilter& filter) { return filter.name == name; });
  return found == std::end(kFilters) ? nullptr : found->filter;
}

}  // namespace lore::jinja
