#include <fmt/format.h>

#include <algorithm>

#include "lore/text/jinja_builtins.h"
#include "lore/text/jinja_print.h"

namespace lore::jinja {

Bound::Bound(std::string_view callee, const Arguments& arguments,
             std::initializer_list<std::string_view> parameters)
    : callee_(callee), names_(parameters), values_(parameters.size()) {
  if (arguments.positional.size() > parameters.size()) {
    throw Failure(fmt::format("{} takes at most {} arguments, got {}", callee, parameters.size(),
                              arguments.positional.size()));
  }
  std::copy(arguments.positional.begin(), arguments.positional.end(), values_.begin());
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) {
      throw Failure(fmt::format("{} has no argument '{}'", callee, name));
    }
    auto& slot = values_[static_cast<std::size_t>(found - names_.begin())];
    if (slot) {
      throw Failure(fmt::format("{} is given '{}' twice", callee, name));
    }
    slot = value;
  }
}

const Value& Bound::required(std::size_t i) const {
  if (!values_[i]) {
    throw Failure(fmt::format("{} needs the argument '{}'", callee_, names_[i]));
  }
  return *values_[i];
}

std::string Bound::text_or(std::size_t i, std::string_view fallback) const {
  return values_[i] ? to_text(*values_[i]) : std::string(fallback);
}

std::int64_t Bound::integer_or(std::size_t i, std::int64_t fallback) const {
  if (!values_[i]) {
    return fallback;
  }
  if (!values_[i]->is_integral()) {
    throw Failure(
        fmt::format("{}: '{}' is an integer, got '{}'", callee_, names_[i], values_[i]->type_name()));
  }
  return values_[i]->as_int();
}

bool Bound::flag_or(std::size_t i, bool fallback) const {
  return values_[i] ? values_[i]->truthy() : fallback;
}

}  // namespace lore::jinja
