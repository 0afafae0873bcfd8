#pragma once

#include <string_view>
#include <vector>

#include "lore/text/jinja_runtime.h"
#include "lore/text/jinja_value.h"

/// Python's operators over template values. All throw Failure for types they do not take.
namespace lore::jinja {

bool equals(Runtime& runtime, const Value& a, const Value& b);
/// a < b. Throws: Failure for types without an order.
bool less(Runtime& runtime, const Value& a, const Value& b);
/// One of == != < <= > >= in, and `not in`.
bool compare(Runtime& runtime, std::string_view operation, const Value& a, const Value& b);
/// One of + - * / // % **.
Value arithmetic(Runtime& runtime, std::string_view operation, const Value& a, const Value& b);
Value negate(const Value& value);

/// The items that a loop sees: of a string its characters, of a mapping its keys. Empties a generator.
std::vector<Value> items_of(Runtime& runtime, const Value& value);
/// len(value).
std::int64_t length_of(const Value& value);
/// value[key], or undefined.
Value item_of(const Value& object, const Value& key);
/// value.name, or undefined. Methods come before the keys of a mapping, as in jinja2.
Value attribute_of(const Value& object, std::string_view name);
/// value[start:stop:step]; each may be none.
Value slice_of(Runtime& runtime, const Value& object, const Value& start, const Value& stop,
               const Value& step);

/// Python's `format % values`. Throws: Failure.
std::string percent_format(Runtime& runtime, std::string_view format, const std::vector<Value>& values);

}  // namespace lore::jinja
