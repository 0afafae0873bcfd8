#include <algorithm>
#include <cmath>

#include "lore/text/jinja_builtins.h"
#include "lore/text/jinja_operators.h"
#include "lore/text/jinja_print.h"
#include "lore/text/jinja_string.h"

namespace lore::jinja {
namespace {

using Kind = Value::Kind;

const Value& operand(std::string_view test, Arguments& arguments) {
  if (arguments.positional.size() != 1 || !arguments.named.empty()) {
    throw Failure("the test '" + std::string(test) + "' takes one argument");
  }
  return arguments.positional[0];
}

std::int64_t modulo(Runtime& runtime, const Value& value, std::int64_t divisor) {
  return arithmetic(runtime, "%", value, Value(divisor)).as_int();
}

/// Whether all letters of a text that has some are of one case.
bool is_case(const Value& value, std::string (*map)(std::string_view)) {
  const std::string text = to_text(value);
  return map(text) == text && to_lower(text) != to_upper(text);
}

struct NamedTest {
  std::string_view name;
  Test test;
};

template <int kOperation>
bool comparison(Runtime& runtime, const Value& value, Arguments& arguments) {
  static constexpr std::string_view kOperations[] = {"==", "!=", "<", "<=", ">", ">=", "in"};
  return compare(runtime, kOperations[kOperation], value, operand(kOperations[kOperation], arguments));
}

constexpr NamedTest kTests[] = {
    {"defined", [](Runtime&, const Value& v, Arguments&) { return !v.is_undefined(); }},
    {"undefined", [](Runtime&, const Value& v, Arguments&) { return v.is_undefined(); }},
    {"none", [](Runtime&, const Value& v, Arguments&) { return v.is_none(); }},
    {"boolean", [](Runtime&, const Value& v, Arguments&) { return v.is(Kind::kBool); }},
    {"false", [](Runtime&, const Value& v, Arguments&) { return v.is(Kind::kBool) && !v.as_bool(); }},
    {"true", [](Runtime&, const Value& v, Arguments&) { return v.is(Kind::kBool) && v.as_bool(); }},
    {"integer", [](Runtime&, const Value& v, Arguments&) { return v.is(Kind::kInt); }},
    {"float", [](Runtime&, const Value& v, Arguments&) { return v.is(Kind::kFloat); }},
    {"number", [](Runtime&, const Value& v, Arguments&) { return v.is_number(); }},
    {"string", [](Runtime&, const Value& v, Arguments&) { return v.is_string(); }},
    {"mapping", [](Runtime&, const Value& v, Arguments&) { return v.is_dict(); }},
    {"iterable",
     [](Runtime&, const Value& v, Arguments&) {
       return v.is_undefined() || v.is_string() || v.is_sequence() || v.is_dict() || v.is(Kind::kGenerator) ||
              v.is(Kind::kLoop);
     }},
    {"sequence",
     [](Runtime&, const Value& v, Arguments&) {
       return v.is_undefined() || v.is_string() || v.is_sequence() || v.is_dict();
     }},
    {"callable",
     [](Runtime&, const Value& v, Arguments&) { return v.is(Kind::kCallable) || v.is_undefined(); }},
    {"escaped", [](Runtime&, const Value& v, Arguments&) { return v.is_safe(); }},
    {"filter",
     [](Runtime&, const Value& v, Arguments&) {
       return v.is_string() &&
              (find_filter(v.as_string()) != nullptr || find_sequence_filter(v.as_string()) != nullptr);
     }},
    {"test", [](Runtime&, const Value& v,
                Arguments&) { return v.is_string() && find_test(v.as_string()) != nullptr; }},
    {"odd", [](Runtime& r, const Value& v, Arguments&) { return modulo(r, v, 2) == 1; }},
    {"even", [](Runtime& r, const Value& v, Arguments&) { return modulo(r, v, 2) == 0; }},
    {"divisibleby", [](Runtime& r, const Value& v,
                       Arguments& a) { return !arithmetic(r, "%", v, operand("divisibleby", a)).truthy(); }},
    {"lower", [](Runtime&, const Value& v, Arguments&) { return is_case(v, to_lower); }},
    {"upper", [](Runtime&, const Value& v, Arguments&) { return is_case(v, to_upper); }},
    {"sameas",
     [](Runtime& r, const Value& v, Arguments& a) {
       const Value& other = operand("sameas", a);
       return v.kind() == other.kind() && equals(r, v, other);
     }},
    {"in", comparison<6>},
    {"eq", comparison<0>},
    {"equalto", comparison<0>},
    {"==", comparison<0>},
    {"ne", comparison<1>},
    {"!=", comparison<1>},
    {"lt", comparison<2>},
    {"lessthan", comparison<2>},
    {"<", comparison<2>},
    {"le", comparison<3>},
    {"<=", comparison<3>},
    {"gt", comparison<4>},
    {"greaterthan", comparison<4>},
    {">", comparison<4>},
    {"ge", comparison<5>},
    {">=", comparison<5>},
};

}  // namespace

Test find_test(std::string_view name) {
  const auto found = std::find_if(std::begin(kTests), std::end(kTests),
                                  [&](const NamedTest& test) { return test.name == name; });
  return found == std::end(kTests) ? nullptr : found->test;
}

}  // namespace lore::jinja
