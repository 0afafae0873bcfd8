#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lore::jinja {

class Runtime;
class Value;

/// What goes wrong inside a template; the renderer adds the template's name and line.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Containers beyond these bounds are refused, so that walking them is bounded: they may share parts,
/// which makes a small program write a huge one.
inline constexpr int kMaxNesting = 100;
inline constexpr std::size_t kMaxWeight = std::size_t{4} << 20;

/// How large a value is to walk through.
struct Extent {
  int nesting = 0;
  std::size_t weight = 1;  ///< nodes, plus bytes of strings, counted as often as they occur
};

/// Positional and named arguments of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

struct String {
  std::string text;
  bool safe = false;  ///< markupsafe.Markup: `+` escapes the other side
};

/// A list or a tuple.
struct Sequence {
  std::vector<Value> items;
  bool tuple = false;
  Extent extent;
};

/// Keys in order of insertion.
struct Dict {
  std::vector<std::pair<Value, Value>> items;
  Extent extent;
};

/// What lazy filters return: true, without a length, and empty once it was gone through.
struct Generator {
  std::vector<Value> items;
  std::size_t position = 0;
  Extent extent;
};

struct Callable {
  std::string name;
  std::function<Value(Runtime&, Arguments&)> call;
};

/// `namespace()`: the one thing whose attributes can be set. Owned by the Runtime.
struct Namespace {
  std::vector<std::pair<std::string, Value>> attributes;
};

/// The `loop` of a `for`. Owned by the Runtime.
struct Loop {
  std::vector<Value> items;
  std::size_t index = 0;
  int depth = 0;
  std::vector<Value> changed;
  bool changed_called = false;
};

/// A value of the template language. Immutable but for generators, namespaces and loops.
class Value {
 public:
  /// The order of the alternatives of `data_`.
  enum class Kind {
    kUndefined,
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kSequence,
    kDict,
    kGenerator,
    kCallable,
    kNamespace,
    kLoop
  };

  Value() = default;  ///< undefined
  Value(std::nullptr_t) : data_(std::monostate{}) {}
  Value(bool value) : data_(value) {}
  Value(std::int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(std::string text) : data_(std::make_shared<const String>(String{std::move(text), false})) {}
  Value(std::string_view text) : Value(std::string(text)) {}
  Value(const char* text) : Value(std::string(text)) {}
  Value(std::shared_ptr<const Callable> callable) : data_(std::move(callable)) {}
  Value(Namespace* value) : data_(value) {}
  Value(Loop* value) : data_(value) {}

  /// `hint` is the message of the error that using it raises.
  static Value undefined(std::string hint);
  static Value safe(std::string text);
  /// These four throw Failure beyond kMaxNesting or kMaxWeight.
  static Value list(std::vector<Value> items);
  static Value tuple(std::vector<Value> items);
  static Value generator(std::vector<Value> items);
  static Value dict(std::vector<std::pair<Value, Value>> items);
  /// Throws: Failure for an integer beyond 64 bits, too.
  static Value from_json(const nlohmann::ordered_json& json);

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is(Kind kind) const { return this->kind() == kind; }
  bool is_undefined() const { return is(Kind::kUndefined); }
  bool is_none() const { return is(Kind::kNone); }
  bool is_string() const { return is(Kind::kString); }
  bool is_sequence() const { return is(Kind::kSequence); }
  bool is_dict() const { return is(Kind::kDict); }
  /// int or bool, as Python's int.
  bool is_integral() const { return is(Kind::kInt) || is(Kind::kBool); }
  bool is_number() const { return is_integral() || is(Kind::kFloat); }

  bool as_bool() const { return std::get<bool>(data_); }
  std::int64_t as_int() const { return is(Kind::kBool) ? as_bool() : std::get<std::int64_t>(data_); }
  double as_double() const {
    return is(Kind::kFloat) ? std::get<double>(data_) : static_cast<double>(as_int());
  }
  const std::string& as_string() const { return std::get<std::shared_ptr<const String>>(data_)->text; }
  bool is_safe() const { return is_string() && std::get<std::shared_ptr<const String>>(data_)->safe; }
  const Sequence& as_sequence() const { return *std::get<std::shared_ptr<const Sequence>>(data_); }
  const Dict& as_dict() const { return *std::get<std::shared_ptr<const Dict>>(data_); }
  Generator& as_generator() const { return *std::get<std::shared_ptr<Generator>>(data_); }
  const Callable& as_callable() const { return *std::get<std::shared_ptr<const Callable>>(data_); }
  Namespace* as_namespace() const { return std::get<Namespace*>(data_); }
  Loop* as_loop() const { return std::get<Loop*>(data_); }

  /// Python's bool(value).
  bool truthy() const;
  /// The name of its Python type, for messages.
  std::string_view type_name() const;
  /// Throws: Failure that says what is undefined.
  [[noreturn]] void fail_undefined() const;
  Extent extent() const;

 private:
  struct Undefined {
    std::shared_ptr<const std::string> hint;
  };

  std::variant<Undefined, std::monostate, bool, std::int64_t, double, std::shared_ptr<const String>,
               std::shared_ptr<const Sequence>, std::shared_ptr<const Dict>, std::shared_ptr<Generator>,
               std::shared_ptr<const Callable>, Namespace*, Loop*>
      data_;
};

/// The entry of `dict` under a string key, or null.
const Value* find(const Dict& dict, std::string_view key);

}  // namespace lore::jinja
