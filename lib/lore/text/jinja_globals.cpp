#include <fmt/format.h>

#include <charconv>
#include <clocale>
#include <ctime>
#include <memory>

#include "lore/text/jinja_builtins.h"
#include "lore/text/jinja_operators.h"
#include "lore/text/jinja_print.h"

namespace lore::jinja {
namespace {

constexpr std::int64_t kMaxRange = 100'000;  // of jinja2's sandbox

Value raise_exception(Runtime&, Arguments& arguments) {
  const Bound bound("raise_exception", arguments, {"message"});
  throw Failure(fmt::format("the template refuses this conversation: {}", bound.text_or(0, "")));
}

Value strftime_now(Runtime& runtime, Arguments& arguments) {
  const Bound bound("strftime_now", arguments, {"format"});
  const std::string format = to_text(bound.required(0));
  std::int64_t seconds = 0;
  const std::string& now = runtime.now();
  const auto parsed = std::from_chars(now.data(), now.data() + now.size(), seconds);
  if (now.empty() || parsed.ec != std::errc() || parsed.ptr != now.data() + now.size()) {
    throw Failure("the template asks for the time, and none was given");
  }
  const std::time_t time = seconds;
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr || format.size() > 1000) {
    throw Failure("strftime_now: the time or the format is out of range");
  }
  static const locale_t kPlain = newlocale(LC_ALL_MASK, "C", nullptr);
  std::string text(format.size() * 32 + 64, '\0');
  // An empty result is told from a failure by the space in front.
  const std::string spaced = " " + format;
  text.resize(strftime_l(text.data(), text.size(), spaced.c_str(), &parts, kPlain));
  return Value(text.empty() ? text : text.substr(1));
}

Value make_namespace(Runtime& runtime, Arguments& arguments) {
  Namespace* result = runtime.new_namespace();
  for (const Value& from : arguments.positional) {
    if (!from.is_dict()) {
      throw Failure(fmt::format("namespace takes a mapping, got '{}'", from.type_name()));
    }
    for (const auto& [key, value] : from.as_dict().items) {
      result->attributes.emplace_back(to_text(key), value);
    }
  }
  for (const auto& [key, value] : arguments.named) {
    std::erase_if(result->attributes, [&, &name = key](const auto& old) { return old.first == name; });
    result->attributes.emplace_back(key, value);
  }
  return Value(result);
}

Value range(Runtime& runtime, Arguments& arguments) {
  const Bound bound("range", arguments, {"start", "stop", "step"});
  const std::int64_t first = Bound("range", arguments, {"start", "stop", "step"}).integer_or(0, 0);
  if (!bound[0]) {
    throw Failure("range needs an argument");
  }
  const std::int64_t start = bound[1] ? first : 0;
  const std::int64_t stop = bound[1] ? bound.integer_or(1, 0) : first;
  const std::int64_t step = bound.integer_or(2, 1);
  if (step == 0) {
    throw Failure("range: the step is zero");
  }
  std::vector<Value> items;
  for (std::int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<std::int64_t>(items.size()) == kMaxRange) {
      throw Failure(fmt::format("range: more than {} items", kMaxRange));
    }
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) {
      break;
    }
  }
  runtime.charge(items.size());
  return Value::list(std::move(items));
}

Value make_dict(Runtime& runtime, Arguments& arguments) {
  std::vector<std::pair<Value, Value>> items;
  const auto put = [&](const Value& key, const Value& value) {
    runtime.charge(1 + items.size() / 16);
    for (auto& [old_key, old_value] : items) {
      if (equals(runtime, old_key, key)) {
        old_value = value;
        return;
      }
    }
    items.emplace_back(key, value);
  };
  for (const Value& from : arguments.positional) {
    if (from.is_dict()) {
      for (const auto& [key, value] : from.as_dict().items) {
        put(key, value);
      }
      continue;
    }
    for (const Value& pair : items_of(runtime, from)) {
      const std::vector<Value> parts = items_of(runtime, pair);
      if (parts.size() != 2) {
        throw Failure("dict takes pairs of key and value");
      }
      put(parts[0], parts[1]);
    }
  }
  for (const auto& [key, value] : arguments.named) {
    put(Value(key), value);
  }
  return Value::dict(std::move(items));
}

Value joiner(Runtime&, Arguments& arguments) {
  const std::string separator = Bound("joiner", arguments, {"sep"}).text_or(0, ", ");
  auto used = std::make_shared<bool>(false);
  return Value(std::make_shared<const Callable>(Callable{"joiner", [separator, used](Runtime&, Arguments&) {
                                                           return Value(std::exchange(*used, true) ? separator
                                                                                                   : "");
                                                         }}));
}

}  // namespace

std::vector<std::pair<std::string, Value>> global_functions() {
  const auto function = [](const char* name, Value (*call)(Runtime&, Arguments&)) {
    return std::pair<std::string, Value>(name, Value(std::make_shared<const Callable>(Callable{name, call})));
  };
  return {function("raise_exception", raise_exception),
          function("strftime_now", strftime_now),
          function("namespace", make_namespace),
          function("range", range),
          function("dict", make_dict),
          function("joiner", joiner)};
}

}  // namespace lore::jinja
