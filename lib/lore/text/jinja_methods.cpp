#include <fmt/format.h>

#include <algorithm>

#include "lore/text/jinja_builtins.h"
#include "lore/text/jinja_operators.h"
#include "lore/text/jinja_print.h"
#include "lore/text/jinja_string.h"

namespace lore::jinja {
namespace {

using Kind = Value::Kind;

const std::string& string_argument(const Bound& bound, std::size_t i, std::string_view method) {
  const Value& value = bound.required(i);
  if (!value.is_string()) {
    throw Failure(fmt::format("{} takes a string, got '{}'", method, value.type_name()));
  }
  return value.as_string();
}

std::optional<std::string> optional_string(const Bound& bound, std::size_t i, std::string_view method) {
  if (!bound[i] || bound[i]->is_none()) {
    return {};
  }
  return string_argument(bound, i, method);
}

Value strings(Runtime& runtime, const std::vector<std::string>& parts) {
  runtime.charge(parts.size());
  return Value::list({parts.begin(), parts.end()});
}

template <Side kSide>
Value strip_method(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound("strip", arguments, {"chars"});
  const auto characters = optional_string(bound, 0, "strip");
  runtime.charge_search(self.as_string(), characters.value_or(""));
  return Value(strip(self.as_string(),
                     characters ? std::optional<std::string_view>(*characters) : std::nullopt, kSide));
}

template <bool kFromRight>
Value split_method(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound("split", arguments, {"sep", "maxsplit"});
  const auto separator = optional_string(bound, 0, "split");
  if (separator && separator->empty()) {
    throw Failure("split: empty separator");
  }
  runtime.charge_search(self.as_string(), separator.value_or(""));
  const auto view = separator ? std::optional<std::string_view>(*separator) : std::nullopt;
  const std::int64_t limit = bound.integer_or(1, -1);
  return strings(runtime,
                 kFromRight ? rsplit(self.as_string(), view, limit) : split(self.as_string(), view, limit));
}

/// str.startswith and str.endswith: of one text or of any of a tuple.
template <bool kStart>
Value affix_method(Runtime&, const Value& self, Arguments& arguments) {
  const std::string_view name = kStart ? "startswith" : "endswith";
  const Bound bound(name, arguments, {"affix"});
  const std::string& text = self.as_string();
  const auto matches = [&](const Value& affix) {
    if (!affix.is_string()) {
      throw Failure(fmt::format("{} takes a string, got '{}'", name, affix.type_name()));
    }
    return kStart ? text.starts_with(affix.as_string()) : text.ends_with(affix.as_string());
  };
  const Value& affix = bound.required(0);
  if (affix.is_sequence() && affix.as_sequence().tuple) {
    const auto& several = affix.as_sequence().items;
    return Value(std::any_of(several.begin(), several.end(), matches));
  }
  return Value(matches(affix));
}

Value replace_method(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound("replace", arguments, {"old", "new", "count"});
  const std::string& from = string_argument(bound, 0, "replace");
  const std::string& to = string_argument(bound, 1, "replace");
  const std::string& text = self.as_string();
  // No occurrence is shorter than `from`, so this bounds the result before it is made.
  const std::size_t most = text.size() / std::max<std::size_t>(from.size(), 1) + 1;
  if (to.size() > from.size() && most > kMaxOutput / (to.size() - from.size())) {
    throw Failure(fmt::format("replace: the text may become longer than {} bytes", kMaxOutput));
  }
  runtime.charge_bytes(text.size());
  runtime.charge_search(text, from);
  return Value(replace(text, from, to, bound.integer_or(2, -1)));
}

Value join_method(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound("join", arguments, {"iterable"});
  std::string text;
  bool first = true;
  for (const Value& item : items_of(runtime, bound.required(0))) {
    if (!item.is_string()) {
      throw Failure(fmt::format("join: expected str instance, {} found", item.type_name()));
    }
    text += (first ? "" : self.as_string()) + item.as_string();
    first = false;
    if (text.size() > kMaxOutput) {
      break;
    }
  }
  runtime.charge_bytes(text.size());
  return Value(std::move(text));
}

/// str.format with `{}`, `{0}` and `{name}`, without format specifications.
Value format_method(Runtime& runtime, const Value& self, Arguments& arguments) {
  std::string text;
  std::size_t next = 0;
  const std::string& format = self.as_string();
  for (std::size_t at = 0; at < format.size(); ++at) {
    const char c = format[at];
    if (c != '{' && c != '}') {
      text += c;
      continue;
    }
    if (at + 1 < format.size() && format[at + 1] == c) {
      text += c;
      ++at;
      continue;
    }
    const std::size_t end = format.find('}', at);
    if (c == '}' || end == std::string::npos) {
      throw Failure("format: a brace stands alone");
    }
    const std::string field = format.substr(at + 1, end - at - 1);
    const bool position =
        std::all_of(field.begin(), field.end(), [](char d) { return d >= '0' && d <= '9'; });
    if (position) {
      const std::size_t index = field.empty()      ? next++
                                : field.size() > 4 ? std::string::npos
                                                   : std::stoul(field);
      if (index >= arguments.positional.size()) {
        throw Failure("format: an index is out of range");
      }
      text += to_text(arguments.positional[index]);
    } else {
      const auto named = std::find_if(arguments.named.begin(), arguments.named.end(),
                                      [&](const auto& argument) { return argument.first == field; });
      if (named == arguments.named.end()) {
        throw Failure(fmt::format("format: the field '{}' is not given or not supported", field));
      }
      text += to_text(named->second);
    }
    runtime.charge_bytes(text.size());
    at = end;
  }
  return Value(std::move(text));
}

Value find_text(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound("find", arguments, {"sub"});
  const std::string& part = string_argument(bound, 0, "find");
  runtime.charge_search(self.as_string(), part);
  const std::size_t at = self.as_string().find(part);
  return Value(at == std::string::npos ? std::int64_t{-1}
                                       : static_cast<std::int64_t>(count_code_points(
                                             std::string_view(self.as_string()).substr(0, at))));
}

Value count_text(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound("count", arguments, {"sub"});
  const std::string& part = string_argument(bound, 0, "count");
  if (part.empty()) {
    return Value(length_of(self) + 1);
  }
  runtime.charge_search(self.as_string(), part);
  std::int64_t count = 0;
  for (std::size_t at = self.as_string().find(part); at != std::string::npos;
       at = self.as_string().find(part, at + part.size())) {
    ++count;
  }
  return Value(count);
}

/// Whether the text has characters and all of them are as `accept` says.
template <typename Accept>
Value all_characters(const Value& self, Accept accept) {
  const std::u32string points = decode_utf8(self.as_string());
  return Value(!points.empty() && std::all_of(points.begin(), points.end(), accept));
}

template <std::string (*kMap)(std::string_view)>
Value mapped(Runtime&, const Value& self, Arguments& arguments) {
  const Bound bound("the method", arguments, {});
  return Value(kMap(self.as_string()));
}

Value get_item(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound("get", arguments, {"key", "default"});
  for (const auto& [key, value] : self.as_dict().items) {
    if (equals(runtime, key, bound.required(0))) {
      return value;
    }
  }
  return bound[1] ? *bound[1] : Value(nullptr);
}

Value dict_items(Runtime& runtime, const Value& self, Arguments&) {
  runtime.charge(self.as_dict().items.size());
  std::vector<Value> items;
  for (const auto& [key, value] : self.as_dict().items) {
    items.push_back(Value::tuple({key, value}));
  }
  return Value::list(std::move(items));
}

Value dict_keys(Runtime& runtime, const Value& self, Arguments&) {
  return Value::list(items_of(runtime, self));
}

Value dict_values(Runtime& runtime, const Value& self, Arguments&) {
  runtime.charge(self.as_dict().items.size());
  std::vector<Value> values;
  for (const auto& [key, value] : self.as_dict().items) {
    values.push_back(value);
  }
  return Value::list(std::move(values));
}

Value same_dict(Runtime&, const Value& self, Arguments&) { return self; }

Value list_index(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound("index", arguments, {"value"});
  const auto& items = self.as_sequence().items;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (equals(runtime, items[i], bound.required(0))) {
      return Value(static_cast<std::int64_t>(i));
    }
  }
  throw Failure("index: the value is not in the list");
}

Value list_count(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Bound bound("count", arguments, {"value"});
  std::int64_t count = 0;
  for (const Value& item : self.as_sequence().items) {
    count += equals(runtime, item, bound.required(0)) ? 1 : 0;
  }
  return Value(count);
}

Value loop_cycle(Runtime&, const Value& self, Arguments& arguments) {
  if (arguments.positional.empty()) {
    throw Failure("loop.cycle needs values");
  }
  return arguments.positional[self.as_loop()->index % arguments.positional.size()];
}

Value loop_changed(Runtime& runtime, const Value& self, Arguments& arguments) {
  Loop& loop = *self.as_loop();
  const bool same = loop.changed_called && loop.changed.size() == arguments.positional.size() &&
                    std::equal(loop.changed.begin(), loop.changed.end(), arguments.positional.begin(),
                               [&](const Value& a, const Value& b) { return equals(runtime, a, b); });
  loop.changed_called = true;
  loop.changed = arguments.positional;
  return Value(!same);
}

struct NamedMethod {
  Kind kind;
  std::string_view name;
  Method method;
};

constexpr NamedMethod kMethods[] = {
    {Kind::kDict, "get", get_item},
    {Kind::kDict, "items", dict_items},
    {Kind::kDict, "keys", dict_keys},
    {Kind::kDict, "values", dict_values},
    {Kind::kDict, "copy", same_dict},
    {Kind::kSequence, "index", list_index},
    {Kind::kSequence, "count", list_count},
    {Kind::kLoop, "cycle", loop_cycle},
    {Kind::kLoop, "changed", loop_changed},
    {Kind::kString, "strip", strip_method<Side::kBoth>},
    {Kind::kString, "lstrip", strip_method<Side::kLeft>},
    {Kind::kString, "rstrip", strip_method<Side::kRight>},
    {Kind::kString, "split", split_method<false>},
    {Kind::kString, "rsplit", split_method<true>},
    {Kind::kString, "splitlines",
     [](Runtime& r, const Value& self, Arguments& a) {
       return strings(r,
                      split_lines(self.as_string(), Bound("splitlines", a, {"keepends"}).flag_or(0, false)));
     }},
    {Kind::kString, "startswith", affix_method<true>},
    {Kind::kString, "endswith", affix_method<false>},
    {Kind::kString, "replace", replace_method},
    {Kind::kString, "join", join_method},
    {Kind::kString, "format", format_method},
    {Kind::kString, "find", find_text},
    {Kind::kString, "count", count_text},
    {Kind::kString, "upper", mapped<to_upper>},
    {Kind::kString, "lower", mapped<to_lower>},
    {Kind::kString, "title", mapped<to_title>},
    {Kind::kString, "capitalize", mapped<capitalize>},
    {Kind::kString, "isdigit",
     [](Runtime&, const Value& self, Arguments&) {
       return all_characters(self, [](char32_t c) { return c >= U'0' && c <= U'9'; });
     }},
    {Kind::kString, "isspace",
     [](Runtime&, const Value& self, Arguments&) { return all_characters(self, is_space); }},
};

}  // namespace

Method find_method(const Value& self, std::string_view name) {
  for (const NamedMethod& method : kMethods) {
    if (method.kind == self.kind() && method.name == name) {
      return method.method;
    }
  }
  return nullptr;
}

bool is_modifying_method(const Value& self, std::string_view name) {
  static constexpr std::string_view kList[] = {"append", "clear",  "extend",  "insert",
                                               "pop",    "remove", "reverse", "sort"};
  static constexpr std::string_view kDict[] = {"clear", "pop", "popitem", "setdefault", "update"};
  if (self.is_sequence() && !self.as_sequence().tuple) {
    return std::find(std::begin(kList), std::end(kList), name) != std::end(kList);
  }
  return self.is_dict() && std::find(std::begin(kDict), std::end(kDict), name) != std::end(kDict);
}

}  // namespace lore::jinja
