#include "lore/text/jinja_operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lore/text/jinja_builtins.h"
#include "lore/text/jinja_print.h"
#include "lore/text/jinja_string.h"

namespace lore::jinja {
namespace {

using Kind = Value::Kind;

[[noreturn]] void fail_operands(std::string_view operation, const Value& a, const Value& b) {
  for (const Value* value : {&a, &b}) {
    if (value->is_undefined()) {
      value->fail_undefined();
    }
  }
  throw Failure(fmt::format("'{}' does not take '{}' and '{}'", operation, a.type_name(), b.type_name()));
}

bool equal_dicts(Runtime& runtime, const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) {
    return false;
  }
  runtime.charge(a.items.size() * b.items.size() / 16);
  return std::all_of(a.items.begin(), a.items.end(), [&](const auto& entry) {
    return std::any_of(b.items.begin(), b.items.end(), [&](const auto& other) {
      return equals(runtime, entry.first, other.first) && equals(runtime, entry.second, other.second);
    });
  });
}

bool contains(Runtime& runtime, const Value& container, const Value& item) {
  runtime.charge_items(container);
  const auto equal = [&](const Value& other) { return equals(runtime, item, other); };
  switch (container.kind()) {
    case Kind::kString:
      if (!item.is_string()) {
        fail_operands("in", item, container);
      }
      runtime.charge_search(container.as_string(), item.as_string());
      return container.as_string().find(item.as_string()) != std::string::npos;
    case Kind::kDict:
      return std::any_of(container.as_dict().items.begin(), container.as_dict().items.end(),
                         [&](const auto& entry) { return equal(entry.first); });
    case Kind::kUndefined:
    case Kind::kSequence:
    case Kind::kGenerator: {
      const auto items = items_of(runtime, container);
      return std::any_of(items.begin(), items.end(), equal);
    }
    default:
      fail_operands("in", item, container);
  }
}

Value add(Runtime& runtime, const Value& a, const Value& b) {
  if (a.is_string() && b.is_string()) {
    runtime.charge_bytes(a.as_string().size() + b.as_string().size());
    if (a.is_safe() == b.is_safe()) {
      return a.is_safe() ? Value::safe(a.as_string() + b.as_string()) : Value(a.as_string() + b.as_string());
    }
    const auto safe_text = [](const Value& v) {
      return v.is_safe() ? v.as_string() : escape_html(v.as_string());
    };
    return Value::safe(safe_text(a) + safe_text(b));
  }
  if (a.is_sequence() && b.is_sequence() && a.as_sequence().tuple == b.as_sequence().tuple) {
    std::vector<Value> items = a.as_sequence().items;
    const auto& more = b.as_sequence().items;
    runtime.charge(items.size() + more.size());
    items.insert(items.end(), more.begin(), more.end());
    return a.as_sequence().tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
  }
  fail_operands("+", a, b);
}

Value repeat(Runtime& runtime, const Value& value, std::int64_t times) {
  times = std::max<std::int64_t>(times, 0);
  const std::size_t weight = value.extent().weight;
  if (static_cast<std::size_t>(times) > kMaxOutput / std::max<std::size_t>(weight - 1, 1)) {
    throw Failure(fmt::format("repeating {} times makes more than {} bytes", times, kMaxOutput));
  }
  runtime.charge_bytes(weight * static_cast<std::size_t>(times));
  if (value.is_string()) {
    std::string text;
    for (std::int64_t i = 0; i < times; ++i) {
      text += value.as_string();
    }
    return Value(std::move(text));
  }
  std::vector<Value> items;
  for (std::int64_t i = 0; i < times; ++i) {
    const auto& part = value.as_sequence().items;
    items.insert(items.end(), part.begin(), part.end());
  }
  return value.as_sequence().tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

std::int64_t integer_power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) {
      throw Failure("'**': the result does not fit 64 bits");
    }
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) {
      throw Failure("'**': the result does not fit 64 bits");
    }
  }
  return result;
}

Value integer_arithmetic(std::string_view operation, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflow = false;
  if (operation == "+") {
    overflow = __builtin_add_overflow(a, b, &result);
  } else if (operation == "-") {
    overflow = __builtin_sub_overflow(a, b, &result);
  } else if (operation == "*") {
    overflow = __builtin_mul_overflow(a, b, &result);
  } else if (operation == "**") {
    return b < 0 ? Value(std::pow(static_cast<double>(a), static_cast<double>(b)))
                 : Value(integer_power(a, b));
  } else if (b == 0) {
    throw Failure(fmt::format("'{}': division by zero", operation));
  } else if (operation == "/") {
    return Value(static_cast<double>(a) / static_cast<double>(b));
  } else if (b == -1) {
    overflow = operation == "//" && __builtin_sub_overflow(std::int64_t{0}, a, &result);
  } else {
    // Python rounds down, C++ towards zero.
    const std::int64_t remainder = a % b;
    const bool down = remainder != 0 && (remainder < 0) != (b < 0);
    result = operation == "//" ? a / b - (down ? 1 : 0) : remainder + (down ? b : 0);
  }
  if (overflow) {
    throw Failure(fmt::format("'{}': the result does not fit 64 bits", operation));
  }
  return Value(result);
}

Value float_arithmetic(std::string_view operation, double a, double b) {
  if (operation == "+") {
    return Value(a + b);
  }
  if (operation == "-") {
    return Value(a - b);
  }
  if (operation == "*") {
    return Value(a * b);
  }
  if (operation == "**") {
    return Value(std::pow(a, b));
  }
  if (b == 0) {
    throw Failure(fmt::format("'{}': division by zero", operation));
  }
  if (operation == "/") {
    return Value(a / b);
  }
  double remainder = std::fmod(a, b);
  if (remainder != 0 && (remainder < 0) != (b < 0)) {
    remainder += b;
  }
  return operation == "%" ? Value(remainder) : Value(std::round((a - remainder) / b));
}

}  // namespace

bool equals(Runtime& runtime, const Value& a, const Value& b) {
  runtime.charge(1);
  if (a.is_number() && b.is_number()) {
    return a.is_integral() && b.is_integral() ? a.as_int() == b.as_int() : a.as_double() == b.as_double();
  }
  if (a.kind() != b.kind()) {
    return false;
  }
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      runtime.charge(a.as_string().size() / 256);
      return a.as_string() == b.as_string();
    case Kind::kSequence: {
      const Sequence& x = a.as_sequence();
      const Sequence& y = b.as_sequence();
      return x.tuple == y.tuple && x.items.size() == y.items.size() &&
             std::equal(x.items.begin(), x.items.end(), y.items.begin(),
                        [&](const Value& l, const Value& r) { return equals(runtime, l, r); });
    }
    case Kind::kDict:
      return equal_dicts(runtime, a.as_dict(), b.as_dict());
    case Kind::kCallable:
      return &a.as_callable() == &b.as_callable();
    case Kind::kNamespace:
      return a.as_namespace() == b.as_namespace();
    case Kind::kLoop:
      return a.as_loop() == b.as_loop();
    default:
      return &a.as_generator() == &b.as_generator();
  }
}

bool less(Runtime& runtime, const Value& a, const Value& b) {
  runtime.charge(1);
  if (a.is_number() && b.is_number()) {
    return a.is_integral() && b.is_integral() ? a.as_int() < b.as_int() : a.as_double() < b.as_double();
  }
  if (a.is_string() && b.is_string()) {
    // The order of UTF-8 bytes is that of code points.
    return a.as_string() < b.as_string();
  }
  if (a.is_sequence() && b.is_sequence() && a.as_sequence().tuple == b.as_sequence().tuple) {
    const auto& x = a.as_sequence().items;
    const auto& y = b.as_sequence().items;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (!equals(runtime, x[i], y[i])) {
        return less(runtime, x[i], y[i]);
      }
    }
    return x.size() < y.size();
  }
  fail_operands("<", a, b);
}

bool compare(Runtime& runtime, std::string_view operation, const Value& a, const Value& b) {
  if (operation == "==") {
    return equals(runtime, a, b);
  }
  if (operation == "!=") {
    return !equals(runtime, a, b);
  }
  if (operation == "in") {
    return contains(runtime, b, a);
  }
  if (operation == "not in") {
    return !contains(runtime, b, a);
  }
  if (operation == "<") {
    return less(runtime, a, b);
  }
  if (operation == ">") {
    return less(runtime, b, a);
  }
  const bool ordered = operation == "<=" ? less(runtime, a, b) : less(runtime, b, a);
  return ordered || equals(runtime, a, b);
}

Value arithmetic(Runtime& runtime, std::string_view operation, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) {
    return integer_arithmetic(operation, a.as_int(), b.as_int());
  }
  if (a.is_number() && b.is_number()) {
    return float_arithmetic(operation, a.as_double(), b.as_double());
  }
  if (operation == "+") {
    return add(runtime, a, b);
  }
  if (operation == "*" && (a.is_string() || a.is_sequence()) && b.is_integral()) {
    return repeat(runtime, a, b.as_int());
  }
  if (operation == "*" && (b.is_string() || b.is_sequence()) && a.is_integral()) {
    return repeat(runtime, b, a.as_int());
  }
  if (operation == "%" && a.is_string()) {
    const bool several = b.is_sequence() && b.as_sequence().tuple;
    return Value(
        percent_format(runtime, a.as_string(), several ? b.as_sequence().items : std::vector<Value>{b}));
  }
  fail_operands(operation, a, b);
}

Value negate(const Value& value) {
  if (value.is_integral()) {
    return integer_arithmetic("-", 0, value.as_int());
  }
  if (value.is_number()) {
    return Value(-value.as_double());
  }
  if (value.is_undefined()) {
    value.fail_undefined();
  }
  throw Failure(fmt::format("'-' does not take '{}'", value.type_name()));
}

std::vector<Value> items_of(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return {};
    case Kind::kString: {
      runtime.charge(value.as_string().size());
      std::vector<Value> characters;
      for (const char32_t c : decode_utf8(value.as_string())) {
        characters.emplace_back(encode_utf8(std::u32string_view(&c, 1)));
      }
      return characters;
    }
    case Kind::kSequence:
      runtime.charge(value.as_sequence().items.size());
      return value.as_sequence().items;
    case Kind::kDict: {
      runtime.charge(value.as_dict().items.size());
      std::vector<Value> keys;
      for (const auto& [key, item] : value.as_dict().items) {
        keys.push_back(key);
      }
      return keys;
    }
    case Kind::kGenerator: {
      Generator& generator = value.as_generator();
      std::vector<Value> rest(generator.items.begin() + static_cast<std::ptrdiff_t>(generator.position),
                              generator.items.end());
      runtime.charge(rest.size());
      generator.position = generator.items.size();
      return rest;
    }
    default:
      throw Failure(fmt::format("'{}' has no items to go through", value.type_name()));
  }
}

std::int64_t length_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return 0;
    case Kind::kString:
      return static_cast<std::int64_t>(count_code_points(value.as_string()));
    case Kind::kSequence:
      return static_cast<std::int64_t>(value.as_sequence().items.size());
    case Kind::kDict:
      return static_cast<std::int64_t>(value.as_dict().items.size());
    default:
      throw Failure(fmt::format("'{}' has no length", value.type_name()));
  }
}

}  // namespace lore::jinja
