#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lore/text/jinja_runtime.h"
#include "lore/text/jinja_value.h"

/// The filters, tests, methods and functions that templates may use. Each takes its arguments as
/// jinja2 and Python do, and throws Failure where they raise.
namespace lore::jinja {

using Filter = Value (*)(Runtime&, const Value& target, Arguments&);
using Test = bool (*)(Runtime&, const Value& target, Arguments&);
using Method = Value (*)(Runtime&, const Value& self, Arguments&);

/// Null for an unknown name.
Filter find_filter(std::string_view name);
Filter find_sequence_filter(std::string_view name);
Test find_test(std::string_view name);
Method find_method(const Value& self, std::string_view name);
/// Whether Python has this method and templates may not use it, since it modifies.
bool is_modifying_method(const Value& self, std::string_view name);

/// raise_exception, strftime_now, namespace, range, dict, joiner.
std::vector<std::pair<std::string, Value>> global_functions();

/// The arguments of a call by parameter name; absent ones are empty.
/// Throws: Failure for one too many or an unknown name.
class Bound {
 public:
  Bound(std::string_view callee, const Arguments& arguments,
        std::initializer_list<std::string_view> parameters);

  const std::optional<Value>& operator[](std::size_t i) const { return values_[i]; }
  /// Throws: Failure when the argument is absent.
  const Value& required(std::size_t i) const;
  std::string text_or(std::size_t i, std::string_view fallback) const;
  std::int64_t integer_or(std::size_t i, std::int64_t fallback) const;
  bool flag_or(std::size_t i, bool fallback) const;

 private:
  std::string callee_;
  std::vector<std::string_view> names_;
  std::vector<std::optional<Value>> values_;
};

}  // namespace lore::jinja
