#include <fmt/format.h>

#include <algorithm>

#include "lore/core/utf8.h"
#include "lore/text/jinja_builtins.h"
#include "lore/text/jinja_operators.h"
#include "lore/text/jinja_print.h"
#include "lore/text/jinja_string.h"

namespace lore::jinja {
namespace {

using Kind = Value::Kind;

Value missing(const Value& object, std::string_view name) {
  return Value::undefined(fmt::format("'{} object' has no attribute '{}'", object.type_name(), name));
}

/// The method as a value of its own, for what is not called at once.
Value bound_method(const Value& object, std::string_view name) {
  const Method method = find_method(object, name);
  if (method == nullptr) {
    return Value();
  }
  return Value(std::make_shared<const Callable>(
      Callable{std::string(name), [method, object](Runtime& runtime, Arguments& arguments) {
                 return method(runtime, object, arguments);
               }}));
}

Value loop_attribute(Loop* loop, std::string_view name) {
  const auto index = static_cast<std::int64_t>(loop->index);
  const auto length = static_cast<std::int64_t>(loop->items.size());
  if (name == "index") {
    return Value(index + 1);
  }
  if (name == "index0") {
    return Value(index);
  }
  if (name == "first") {
    return Value(index == 0);
  }
  if (name == "last") {
    return Value(index + 1 >= length);
  }
  if (name == "length") {
    return Value(length);
  }
  if (name == "revindex") {
    return Value(length - index);
  }
  if (name == "revindex0") {
    return Value(length - index - 1);
  }
  if (name == "depth") {
    return Value(std::int64_t{loop->depth} + 1);
  }
  if (name == "depth0") {
    return Value(std::int64_t{loop->depth});
  }
  if (name == "previtem") {
    return index > 0 && index <= length ? loop->items[loop->index - 1]
                                        : Value::undefined("there is no previous item");
  }
  if (name == "nextitem") {
    return index + 1 < length ? loop->items[loop->index + 1] : Value::undefined("there is no next item");
  }
  return bound_method(Value(loop), name);
}

/// A slice bound as Python clips it.
std::int64_t clip(const Value& bound, std::int64_t fallback, std::int64_t length, std::int64_t lowest,
                  std::int64_t highest) {
  if (bound.is_none()) {
    return fallback;
  }
  if (!bound.is_integral()) {
    throw Failure(fmt::format("slice bounds are integers, not '{}'", bound.type_name()));
  }
  const std::int64_t value = bound.as_int();
  return value < 0 ? std::max(value < -length ? lowest : value + length, lowest) : std::min(value, highest);
}

}  // namespace

Value attribute_of(const Value& object, std::string_view name) {
  switch (object.kind()) {
    case Kind::kUndefined:
      object.fail_undefined();
    case Kind::kNamespace: {
      for (const auto& [key, value] : object.as_namespace()->attributes) {
        if (key == name) {
          return value;
        }
      }
      return missing(object, name);
    }
    case Kind::kLoop: {
      Value value = loop_attribute(object.as_loop(), name);
      return value.is_undefined() && name != "previtem" && name != "nextitem" ? missing(object, name) : value;
    }
    default:
      break;
  }
  if (Value method = bound_method(object, name); !method.is_undefined()) {
    return method;
  }
  if (is_modifying_method(object, name)) {
    return Value::undefined(fmt::format(
        "access to attribute '{}' of '{}' object is unsafe: it would modify it", name, object.type_name()));
  }
  if (object.is_dict()) {
    if (const Value* value = find(object.as_dict(), name)) {
      return *value;
    }
  }
  return missing(object, name);
}

Value item_of(const Value& object, const Value& key) {
  if (object.is_undefined()) {
    object.fail_undefined();
  }
  if (object.is_dict()) {
    for (const auto& [name, value] : object.as_dict().items) {
      const bool same = name.is_string() && key.is_string()   ? name.as_string() == key.as_string()
                        : name.is_number() && key.is_number() ? name.as_double() == key.as_double()
                                                              : name.is_none() && key.is_none();
      if (same) {
        return value;
      }
    }
  } else if (key.is_integral() && (object.is_sequence() || object.is_string())) {
    const std::int64_t length = length_of(object);
    const std::int64_t index = key.as_int() < 0 ? key.as_int() + length : key.as_int();
    if (index < 0 || index >= length) {
      return Value::undefined(fmt::format("'{} object' has no element {}", object.type_name(), key.as_int()));
    }
    if (object.is_sequence()) {
      return object.as_sequence().items[static_cast<std::size_t>(index)];
    }
    const char32_t c = decode_utf8(object.as_string())[static_cast<std::size_t>(index)];
    return Value(encode_utf8(std::u32string_view(&c, 1)));
  }
  if (key.is_string()) {
    return attribute_of(object, key.as_string());
  }
  return Value::undefined(fmt::format("'{} object' has no element {}", object.type_name(), to_repr(key)));
}

Value slice_of(Runtime& runtime, const Value& object, const Value& start, const Value& stop,
               const Value& step) {
  if (object.is_undefined()) {
    object.fail_undefined();
  }
  if (!object.is_string() && !object.is_sequence()) {
    return Value::undefined(fmt::format("'{} object' cannot be sliced", object.type_name()));
  }
  const std::int64_t length = length_of(object);
  const std::int64_t by = step.is_none() ? 1 : step.is_integral() ? step.as_int() : 0;
  if (by == 0) {
    throw Failure("the step of a slice is an integer other than zero");
  }
  const std::int64_t lowest = by > 0 ? 0 : -1;
  const std::int64_t highest = by > 0 ? length : length - 1;
  const std::int64_t from = clip(start, by > 0 ? lowest : highest, length, lowest, highest);
  const std::int64_t to = clip(stop, by > 0 ? highest : lowest, length, lowest, highest);
  runtime.charge_bytes(object.is_string() ? object.as_string().size() : 0);

  std::vector<std::size_t> indices;
  if (by > 0) {
    for (std::int64_t i = from; i<to; i = by> to - i ? to : i + by) {
      indices.push_back(static_cast<std::size_t>(i));
    }
  } else {
    for (std::int64_t i = from; i > to; i = by < to - i ? to : i + by) {
      indices.push_back(static_cast<std::size_t>(i));
    }
  }
  if (object.is_string()) {
    const std::u32string points = decode_utf8(object.as_string());
    std::string text;
    for (const std::size_t i : indices) {
      append_utf8(text, points[i]);
    }
    return Value(std::move(text));
  }
  runtime.charge(indices.size());
  std::vector<Value> items;
  items.reserve(indices.size());
  for (const std::size_t i : indices) {
    items.push_back(object.as_sequence().items[i]);
  }
  return object.as_sequence().tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

}  // namespace lore::jinja
