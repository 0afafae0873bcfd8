#include <fmt/format.h>

#include <algorithm>

#include "lore/text/jinja_parser.h"

namespace lore::jinja {
namespace {

using Kind = Lexeme::Kind;

}  // namespace

ExpressionPtr ExpressionParser::primary() {
  const int line = current().line;
  switch (current().kind) {
    case Kind::kName: {
      const std::string name = next().text;
      if (name == "true" || name == "True" || name == "false" || name == "False") {
        return make(line, Literal{Value(name[0] == 't' || name[0] == 'T')}, 0);
      }
      if (name == "none" || name == "None") {
        return make(line, Literal{Value(nullptr)}, 0);
      }
      return make(line, Name{name}, 0);
    }
    case Kind::kString: {
      std::string text = next().text;
      while (current().kind == Kind::kString) {
        text += next().text;
      }
      return make(line, Literal{Value(std::move(text))}, 0);
    }
    case Kind::kInteger:
      return make(line, Literal{Value(next().integer)}, 0);
    case Kind::kFloat:
      return make(line, Literal{Value(next().number)}, 0);
    default:
      break;
  }
  if (skip_operator("(")) {
    if (skip_operator(")")) {
      return make(line, SequenceLiteral{{}, true}, 0);
    }
    ExpressionPtr inner = tuple(true);
    expect_operator(")");
    return inner;
  }
  if (is_operator("[")) {
    return list();
  }
  if (is_operator("{")) {
    return dict();
  }
  fail(fmt::format("expected an expression, got {}", describe_current()));
}

ExpressionPtr ExpressionParser::tuple(bool conditionals, std::string_view stop_name) {
  const int line = current().line;
  std::vector<ExpressionPtr> items;
  int below = 0;
  bool is_tuple = false;
  do {
    if (!items.empty()) {
      is_tuple = true;
      const bool at_end = current().kind == Kind::kStatementClose ||
                          current().kind == Kind::kExpressionClose || is_operator(")") ||
                          (!stop_name.empty() && is_name(stop_name));
      if (at_end) {
        break;
      }
    }
    items.push_back(conditionals ? conditional() : disjunction());
    below = std::max(below, height(items.back()));
  } while (skip_operator(","));
  return is_tuple ? make(line, SequenceLiteral{std::move(items), true}, below) : std::move(items.front());
}

ExpressionPtr ExpressionParser::list() {
  const int line = next().line;
  std::vector<ExpressionPtr> items;
  int below = 0;
  while (!is_operator("]")) {
    if (!items.empty()) {
      expect_operator(",");
      if (is_operator("]")) {
        break;
      }
    }
    items.push_back(expression());
    below = std::max(below, height(items.back()));
  }
  expect_operator("]");
  return make(line, SequenceLiteral{std::move(items), false}, below);
}

ExpressionPtr ExpressionParser::dict() {
  const int line = next().line;
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> items;
  int below = 0;
  while (!is_operator("}")) {
    if (!items.empty()) {
      expect_operator(",");
      if (is_operator("}")) {
        break;
      }
    }
    ExpressionPtr key = expression();
    expect_operator(":");
    ExpressionPtr value = expression();
    below = std::max({below, height(key), height(value)});
    items.emplace_back(std::move(key), std::move(value));
  }
  expect_operator("}");
  return make(line, DictLiteral{std::move(items)}, below);
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr node) {
  while (true) {
    if (is_operator(".") || is_operator("[")) {
      node = subscript(std::move(node));
    } else if (is_operator("(")) {
      node = call(std::move(node));
    } else {
      return node;
    }
  }
}

ExpressionPtr ExpressionParser::filter_chain(ExpressionPtr node) {
  while (true) {
    if (skip_operator("|")) {
      node = filters(std::move(node));
    } else if (is_name("is")) {
      node = test(std::move(node));
    } else if (is_operator("(")) {
      node = call(std::move(node));
    } else {
      return node;
    }
  }
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr target) {
  do {
    const int line = current().line;
    std::string name = expect_name();
    while (skip_operator(".")) {
      name += "." + expect_name();
    }
    CallArguments given = is_operator("(") ? arguments() : CallArguments{};
    const int below = std::max(height(target), height(given));
    target = make(line, FilterOf{std::move(target), std::move(name), std::move(given)}, below);
  } while (skip_operator("|"));
  return target;
}

ExpressionPtr ExpressionParser::test(ExpressionPtr target) {
  const Nested nested(*this);
  const int line = next().line;
  const bool negated = skip_name("not");
  std::string name = expect_name();
  while (skip_operator(".")) {
    name += "." + expect_name();
  }
  CallArguments given;
  if (is_operator("(")) {
    given = arguments();
  } else {
    const bool operand = current().kind == Kind::kName || current().kind == Kind::kString ||
                         current().kind == Kind::kInteger || current().kind == Kind::kFloat ||
                         is_operator("[") || is_operator("{");
    if (operand && !is_name("else") && !is_name("or") && !is_name("and")) {
      if (is_name("is")) {
        fail("tests cannot be chained with 'is'");
      }
      given.positional.push_back(postfix(primary()));
    }
  }
  const int below = std::max(height(target), height(given));
  return make(line, TestOf{std::move(target), std::move(name), std::move(given), negated}, below);
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr object) {
  const Nested nested(*this);
  const int line = current().line;
  const int object_height = height(object);
  if (skip_operator(".")) {
    if (current().kind == Kind::kInteger) {
      ExpressionPtr index = make(line, Literal{Value(next().integer)}, 0);
      return make(line, ItemOf{std::move(object), std::move(index)}, object_height);
    }
    return make(line, AttributeOf{std::move(object), expect_name()}, object_height);
  }
  expect_operator("[");
  ExpressionPtr parts[3];
  bool slice = false;
  for (int i = 0; i < 3; ++i) {
    if (!is_operator(":") && !is_operator("]")) {
      parts[i] = expression();
    }
    if (i == 2 || !skip_operator(":")) {
      break;
    }
    slice = true;
  }
  expect_operator("]");
  const int below = std::max({object_height, height(parts[0]), height(parts[1]), height(parts[2])});
  if (slice) {
    return make(line,
                SliceOf{std::move(object), std::move(parts[0]), std::move(parts[1]), std::move(parts[2])},
                below);
  }
  if (!parts[0]) {
    fail("expected a subscript");
  }
  return make(line, ItemOf{std::move(object), std::move(parts[0])}, below);
}

ExpressionPtr ExpressionParser::call(ExpressionPtr callee) {
  const int line = current().line;
  CallArguments given = arguments();
  const int below = std::max(height(callee), height(given));
  return make(line, CallOf{std::move(callee), std::move(given)}, below);
}

CallArguments ExpressionParser::arguments() {
  const Nested nested(*this);
  expect_operator("(");
  CallArguments given;
  bool first = true;
  while (!is_operator(")")) {
    if (!first) {
      expect_operator(",");
      if (is_operator(")")) {
        break;
      }
    }
    first = false;
    if (is_operator("*") || is_operator("**")) {
      fail("unpacked arguments (* and **) are not supported");
    }
    if (current().kind == Kind::kName && peek().kind == Kind::kOperator && peek().text == "=") {
      std::string name = next().text;
      next();
      given.named.emplace_back(std::move(name), expression());
    } else if (!given.named.empty()) {
      fail("a positional argument follows a named one");
    } else {
      given.positional.push_back(expression());
    }
  }
  expect_operator(")");
  return given;
}

}  // namespace lore::jinja
