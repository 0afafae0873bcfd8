#include <fmt/format.h>

#include <algorithm>

#include "lore/text/jinja_parser.h"

namespace lore::jinja {
namespace {

constexpr int kMaxDepth = 150;
constexpr int kMaxHeight = 400;

using Kind = Lexeme::Kind;

}  // namespace

ExpressionParser::Nested::Nested(ExpressionParser& parser) : parser_(parser) {
  if (++parser_.depth_ > kMaxDepth) {
    --parser_.depth_;
    parser_.fail(fmt::format("constructs are nested deeper than {} levels", kMaxDepth));
  }
}

void ExpressionParser::fail(std::string message) const {
  throw SyntaxError{current().line, std::move(message)};
}

ExpressionPtr ExpressionParser::make(int line, decltype(Expression::node) node, int child_height) const {
  if (child_height >= kMaxHeight) {
    fail(fmt::format("an expression has more than {} levels", kMaxHeight));
  }
  return std::make_unique<const Expression>(Expression{line, child_height + 1, std::move(node)});
}

Lexeme ExpressionParser::next() {
  Lexeme lexeme = lexemes_[at_];
  at_ = std::min(at_ + 1, lexemes_.size() - 1);
  return lexeme;
}

bool ExpressionParser::is_operator(std::string_view text) const {
  return current().kind == Kind::kOperator && current().text == text;
}

bool ExpressionParser::is_name(std::string_view text) const {
  return current().kind == Kind::kName && current().text == text;
}

bool ExpressionParser::skip_operator(std::string_view text) {
  const bool found = is_operator(text);
  if (found) {
    next();
  }
  return found;
}

bool ExpressionParser::skip_name(std::string_view text) {
  const bool found = is_name(text);
  if (found) {
    next();
  }
  return found;
}

void ExpressionParser::expect_operator(std::string_view text) {
  if (!skip_operator(text)) {
    fail(fmt::format("expected '{}', got {}", text, describe_current()));
  }
}

std::string ExpressionParser::expect_name() {
  if (current().kind != Kind::kName) {
    fail(fmt::format("expected a name, got {}", describe_current()));
  }
  return next().text;
}

std::string ExpressionParser::describe_current() const {
  switch (current().kind) {
    case Kind::kText:
      return "text";
    case Kind::kStatementOpen:
      return "'{%'";
    case Kind::kStatementClose:
      return "'%}'";
    case Kind::kExpressionOpen:
      return "'{{'";
    case Kind::kExpressionClose:
      return "'}}'";
    case Kind::kEnd:
      return "the end of the template";
    case Kind::kString:
      return "a string";
    default:
      return fmt::format("'{}'", current().text);
  }
}

template <typename Next>
ExpressionPtr ExpressionParser::left_associative(std::initializer_list<std::string_view> operators,
                                                 Next next_level) {
  ExpressionPtr left = next_level();
  while (current().kind == Kind::kOperator || current().kind == Kind::kName) {
    const auto found = std::find(operators.begin(), operators.end(), current().text);
    if (found == operators.end()) {
      break;
    }
    const int line = next().line;
    ExpressionPtr right = next_level();
    const int below = std::max(height(left), height(right));
    left = make(line, Binary{std::string(*found), std::move(left), std::move(right)}, below);
  }
  return left;
}

ExpressionPtr ExpressionParser::conditional() {
  const Nested nested(*this);
  const int line = current().line;
  ExpressionPtr then = disjunction();
  while (skip_name("if")) {
    ExpressionPtr condition = disjunction();
    ExpressionPtr otherwise = skip_name("else") ? conditional() : nullptr;
    const int below = std::max({height(then), height(condition), height(otherwise)});
    then = make(line, Conditional{std::move(condition), std::move(then), std::move(otherwise)}, below);
  }
  return then;
}

ExpressionPtr ExpressionParser::disjunction() {
  return left_associative({"or"}, [this] { return conjunction(); });
}

ExpressionPtr ExpressionParser::conjunction() {
  return left_associative({"and"}, [this] { return negation(); });
}

ExpressionPtr ExpressionParser::negation() {
  const Nested nested(*this);
  if (is_name("not")) {
    const int line = next().line;
    ExpressionPtr operand = negation();
    const int below = height(operand);
    return make(line, Unary{"not", std::move(operand)}, below);
  }
  return comparison();
}

ExpressionPtr ExpressionParser::comparison() {
  const int line = current().line;
  ExpressionPtr first = sum();
  std::vector<std::pair<std::string, ExpressionPtr>> rest;
  int below = height(first);
  while (true) {
    static constexpr std::string_view kComparisons[] = {"==", "!=", "<", "<=", ">", ">="};
    std::string operation;
    if (current().kind == Kind::kOperator && std::find(std::begin(kComparisons), std::end(kComparisons),
                                                       current().text) != std::end(kComparisons)) {
      operation = next().text;
    } else if (skip_name("in")) {
      operation = "in";
    } else if (is_name("not") && peek().kind == Kind::kName && peek().text == "in") {
      next();
      next();
      operation = "not in";
    } else {
      break;
    }
    ExpressionPtr operand = sum();
    below = std::max(below, height(operand));
    rest.emplace_back(std::move(operation), std::move(operand));
  }
  return rest.empty() ? std::move(first) : make(line, Comparison{std::move(first), std::move(rest)}, below);
}

ExpressionPtr ExpressionParser::sum() {
  return left_associative({"+", "-"}, [this] { return concatenation(); });
}

ExpressionPtr ExpressionParser::concatenation() {
  const int line = current().line;
  std::vector<ExpressionPtr> parts;
  parts.push_back(product());
  int below = height(parts.back());
  while (skip_operator("~")) {
    parts.push_back(product());
    below = std::max(below, height(parts.back()));
  }
  return parts.size() == 1 ? std::move(parts.front()) : make(line, Concatenation{std::move(parts)}, below);
}

ExpressionPtr ExpressionParser::product() {
  return left_associative({"*", "/", "//", "%"}, [this] { return power(); });
}

ExpressionPtr ExpressionParser::power() {
  return left_associative({"**"}, [this] { return unary(true); });
}

ExpressionPtr ExpressionParser::unary(bool with_filter) {
  const Nested nested(*this);
  ExpressionPtr node;
  if (is_operator("-") || is_operator("+")) {
    const Lexeme sign = next();
    ExpressionPtr operand = unary(false);
    const int below = height(operand);
    node = make(sign.line, Unary{sign.text, std::move(operand)}, below);
  } else {
    node = primary();
  }
  node = postfix(std::move(node));
  return with_filter ? filter_chain(std::move(node)) : std::move(node);
}

}  // namespace lore::jinja
