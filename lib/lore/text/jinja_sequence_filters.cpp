#include <fmt/format.h>

#include <algorithm>

#include "lore/text/jinja_builtins.h"
#include "lore/text/jinja_operators.h"
#include "lore/text/jinja_print.h"
#include "lore/text/jinja_string.h"

namespace lore::jinja {
namespace {

using Kind = Value::Kind;

/// The value under a dotted path such as `function.name` or `0`; a number is an index.
Value by_path(const Value& value, const Value& path) {
  if (path.is_integral()) {
    return item_of(value, path);
  }
  Value result = value;
  for (const std::string& part : split(to_text(path), ".", -1)) {
    const bool number = !part.empty() && part.size() < 10 &&
                        std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
    // As jinja2's environment.getitem: keys come before attributes.
    result = item_of(result, number ? Value(static_cast<std::int64_t>(std::stoll(part))) : Value(part));
  }
  return result;
}

Value lowered(const Value& value, bool case_sensitive) {
  return value.is_string() && !case_sensitive ? Value(to_lower(value.as_string())) : value;
}

/// Python's sort: stable, by `key`; also in reverse.
template <typename Item, typename Key>
void sort_by(Runtime& runtime, std::vector<Item>& items, Key key, bool reverse) {
  std::vector<std::pair<Value, std::size_t>> keyed;
  for (std::size_t i = 0; i < items.size(); ++i) {
    keyed.emplace_back(key(items[i]), i);
  }
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return reverse ? less(runtime, b.first, a.first) : less(runtime, a.first, b.first);
  });
  std::vector<Item> sorted;
  sorted.reserve(keyed.size());
  for (const auto& [value, i] : keyed) {
    sorted.push_back(items[i]);
  }
  items = std::move(sorted);
}

/// What `sort`, `unique`, `min` and `max` compare.
Value sort_key(const Value& value, const std::optional<Value>& attribute, bool case_sensitive) {
  return lowered(attribute && !attribute->is_none() ? by_path(value, *attribute) : value, case_sensitive);
}

Value join(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("join", arguments, {"d", "attribute"});
  const std::string separator = bound.text_or(0, "");
  std::string text;
  bool first = true;
  for (const Value& item : items_of(runtime, target)) {
    text += first ? "" : separator;
    text += to_text(bound[1] && !bound[1]->is_none() ? by_path(item, *bound[1]) : item);
    first = false;
    runtime.charge(text.size() > kMaxOutput ? kMaxSteps : 0);
  }
  runtime.charge_bytes(text.size());
  return Value(std::move(text));
}

Value list(Runtime& runtime, const Value& target, Arguments&) {
  return Value::list(items_of(runtime, target));
}

Value items(Runtime& runtime, const Value& target, Arguments& arguments) {
  if (target.is_undefined()) {
    return Value::generator({});
  }
  if (!target.is_dict()) {
    throw Failure(fmt::format("items takes a mapping, got '{}'", target.type_name()));
  }
  return Value::generator(items_of(runtime, find_method(target, "items")(runtime, target, arguments)));
}

Value dict_sort(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  const std::string by = bound.text_or(1, "key");
  if (!target.is_dict() || (by != "key" && by != "value")) {
    throw Failure("dictsort takes a mapping, and sorts by 'key' or 'value'");
  }
  auto entries = target.as_dict().items;
  runtime.charge(entries.size());
  const bool case_sensitive = bound.flag_or(0, false);
  sort_by(
      runtime, entries,
      [&](const auto& entry) { return lowered(by == "key" ? entry.first : entry.second, case_sensitive); },
      bound.flag_or(2, false));
  std::vector<Value> pairs;
  pairs.reserve(entries.size());
  for (const auto& [key, value] : entries) {
    pairs.push_back(Value::tuple({key, value}));
  }
  return Value::list(std::move(pairs));
}

/// The items of what select and map take: like jinja2, they let none and false pass as empty.
std::vector<Value> items_if_true(Runtime& runtime, const Value& target) {
  return target.truthy() ? items_of(runtime, target) : std::vector<Value>();
}

/// select, reject, selectattr and rejectattr.
template <bool kAttribute, bool kKeep>
Value select(Runtime& runtime, const Value& target, Arguments& arguments) {
  std::size_t used = 0;
  if (kAttribute && arguments.positional.empty()) {
    throw Failure("selectattr and rejectattr need the name of an attribute");
  }
  const Value attribute = kAttribute ? arguments.positional[used++] : Value();
  std::string test;
  if (used < arguments.positional.size()) {
    test = to_text(arguments.positional[used++]);
  }
  Arguments rest;
  rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(used),
                         arguments.positional.end());
  rest.named = arguments.named;
  std::vector<Value> kept;
  for (const Value& item : items_if_true(runtime, target)) {
    const Value value = kAttribute ? by_path(item, attribute) : item;
    if ((test.empty() ? value.truthy() : runtime.test(test, value, rest)) == kKeep) {
      kept.push_back(item);
    }
  }
  return Value::generator(std::move(kept));
}

Value map(Runtime& runtime, const Value& target, Arguments& arguments) {
  std::vector<Value> results;
  if (arguments.positional.empty()) {
    const Bound bound("map", arguments, {"attribute", "default"});
    for (const Value& item : items_if_true(runtime, target)) {
      Value value = by_path(item, bound.required(0));
      results.push_back(value.is_undefined() && bound[1] ? *bound[1] : value);
    }
    return Value::generator(std::move(results));
  }
  const std::string filter = to_text(arguments.positional[0]);
  for (const Value& item : items_if_true(runtime, target)) {
    Arguments rest;
    rest.positional.assign(arguments.positional.begin() + 1, arguments.positional.end());
    rest.named = arguments.named;
    results.push_back(runtime.filter(filter, item, rest));
  }
  return Value::generator(std::move(results));
}

Value first(Runtime& runtime, const Value& target, Arguments&) {
  if (target.is(Kind::kGenerator)) {
    Generator& generator = target.as_generator();
    return generator.position < generator.items.size()
               ? generator.items[generator.position++]
               : Value::undefined("no first item, sequence was empty");
  }
  const std::vector<Value> all = items_of(runtime, target);
  return all.empty() ? Value::undefined("no first item, sequence was empty") : all.front();
}

Value last(Runtime& runtime, const Value& target, Arguments&) {
  if (target.is(Kind::kGenerator)) {
    throw Failure("last does not take a generator: use |list before it");
  }
  const std::vector<Value> all = items_of(runtime, target);
  return all.empty() ? Value::undefined("no last item, sequence was empty") : all.back();
}

Value reverse(Runtime& runtime, const Value& target, Arguments&) {
  std::vector<Value> all = items_of(runtime, target);
  std::reverse(all.begin(), all.end());
  if (!target.is_string()) {
    return Value::generator(std::move(all));
  }
  std::string text;
  for (const Value& character : all) {
    text += character.as_string();
  }
  return Value(std::move(text));
}

Value sort(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  std::vector<Value> all = items_of(runtime, target);
  const bool case_sensitive = bound.flag_or(1, false);
  const auto key = [&](const Value& item) {
    if (!bound[2] || !bound[2]->is_string()) {
      return sort_key(item, bound[2], case_sensitive);
    }
    // Several attributes may be given, with commas between them.
    std::vector<Value> keys;
    for (const std::string& name : split(bound[2]->as_string(), ",", -1)) {
      keys.push_back(sort_key(item, Value(name), case_sensitive));
    }
    return Value::list(std::move(keys));
  };
  sort_by(runtime, all, key, bound.flag_or(0, false));
  return Value::list(std::move(all));
}

Value unique(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("unique", arguments, {"case_sensitive", "attribute"});
  std::vector<Value> seen;
  std::vector<Value> kept;
  for (const Value& item : items_of(runtime, target)) {
    const Value key = sort_key(item, bound[1], bound.flag_or(0, false));
    if (std::none_of(seen.begin(), seen.end(),
                     [&](const Value& other) { return equals(runtime, key, other); })) {
      seen.push_back(key);
      kept.push_back(item);
    }
  }
  return Value::generator(std::move(kept));
}

template <bool kLargest>
Value extreme(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound(kLargest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  const std::vector<Value> all = items_of(runtime, target);
  if (all.empty()) {
    return Value::undefined("no aggregated item, sequence was empty");
  }
  const auto key = [&](const Value& item) { return sort_key(item, bound[1], bound.flag_or(0, false)); };
  std::size_t best = 0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    const Value a = key(all[i]);
    const Value b = key(all[best]);
    best = (kLargest ? less(runtime, b, a) : less(runtime, a, b)) ? i : best;
  }
  return all[best];
}

Value sum(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("sum", arguments, {"attribute", "start"});
  Value total = bound[1] ? *bound[1] : Value(std::int64_t{0});
  for (const Value& item : items_of(runtime, target)) {
    total =
        arithmetic(runtime, "+", total, bound[0] && !bound[0]->is_none() ? by_path(item, *bound[0]) : item);
  }
  return total;
}

Value batch(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("batch", arguments, {"linecount", "fill_with"});
  const std::int64_t size = bound.integer_or(0, 0);
  if (size < 1 || size > static_cast<std::int64_t>(kMaxSteps)) {
    throw Failure("batch: the size is out of range");
  }
  std::vector<Value> batches;
  std::vector<Value> present;
  for (const Value& item : items_of(runtime, target)) {
    present.push_back(item);
    if (static_cast<std::int64_t>(present.size()) == size) {
      batches.push_back(Value::list(std::exchange(present, {})));
    }
  }
  if (!present.empty()) {
    if (bound[1] && !bound[1]->is_none()) {
      runtime.charge(static_cast<std::size_t>(size));
      present.resize(static_cast<std::size_t>(size), *bound[1]);
    }
    batches.push_back(Value::list(std::move(present)));
  }
  return Value::generator(std::move(batches));
}

Value group_by(Runtime& runtime, const Value& target, Arguments& arguments) {
  const Bound bound("groupby", arguments, {"attribute", "default", "case_sensitive"});
  const bool case_sensitive = bound.flag_or(2, false);
  const auto value_of = [&](const Value& item) {
    Value value = by_path(item, bound.required(0));
    return value.is_undefined() && bound[1] ? *bound[1] : value;
  };
  std::vector<Value> all = items_of(runtime, target);
  sort_by(
      runtime, all, [&](const Value& item) { return lowered(value_of(item), case_sensitive); }, false);
  std::vector<Value> groups;
  for (std::size_t begin = 0; begin < all.size();) {
    const Value key = lowered(value_of(all[begin]), case_sensitive);
    std::size_t end = begin + 1;
    while (end < all.size() && equals(runtime, key, lowered(value_of(all[end]), case_sensitive))) {
      ++end;
    }
    groups.push_back(
        Value::tuple({value_of(all[begin]), Value::list({all.begin() + static_cast<std::ptrdiff_t>(begin),
                                                         all.begin() + static_cast<std::ptrdiff_t>(end)})}));
    begin = end;
  }
  return Value::list(std::move(groups));
}

struct NamedFilter {
  std::string_view name;
  Filter filter;
};

constexpr NamedFilter kFilters[] = {
    {"join", join},
    {"list", list},
    {"items", items},
    {"dictsort", dict_sort},
    {"select", select<false, true>},
    {"reject", select<false, false>},
    {"selectattr", select<true, true>},
    {"rejectattr", select<true, false>},
    {"map", map},
    {"first", first},
    {"last", last},
    {"reverse", reverse},
    {"sort", sort},
    {"unique", unique},
    {"min", extreme<false>},
    {"max", extreme<true>},
    {"sum", sum},
    {"batch", batch},
    {"groupby", group_by},
};

}  // namespace

Filter find_sequence_filter(std::string_view name) {
  const auto found = std::find_if(std::begin(kFilters), std::end(kFilters),
                                  [&](const NamedFilter& filter) { return filter.name == name; });
  return found == std::end(kFilters) ? nullptr : found->filter;
}

}  // namespace lore::jinja
