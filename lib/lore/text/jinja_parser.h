#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "lore/text/jinja_ast.h"
#include "lore/text/jinja_lexer.h"

namespace lore::jinja {

/// Levels of an expression; 0 for none.
inline int height(const ExpressionPtr& expression) { return expression ? expression->height : 0; }

/// Levels of the deepest argument.
inline int height(const CallArguments& arguments) {
  int result = 0;
  for (const auto& argument : arguments.positional) {
    result = std::max(result, height(argument));
  }
  for (const auto& [name, argument] : arguments.named) {
    result = std::max(result, height(argument));
  }
  return result;
}

/// Parses a template. Throws: SyntaxError.
Template parse(std::string name, std::string source);

/// The lexemes with a position, and the expression grammar of jinja2 over them.
class ExpressionParser {
 public:
  explicit ExpressionParser(std::vector<Lexeme> lexemes) : lexemes_(std::move(lexemes)) {}

  ExpressionPtr expression() { return conditional(); }
  /// `a` or `a, b`. Without `conditionals`, `x if y` stops before the `if`.
  ExpressionPtr tuple(bool conditionals, std::string_view stop_name = {});
  /// name(arguments)|name ... upon `target`, which may be null; the first `|` is already gone.
  ExpressionPtr filters(ExpressionPtr target);
  ExpressionPtr make(int line, decltype(Expression::node) node, int child_height) const;

 protected:
  [[noreturn]] void fail(std::string message) const;
  const Lexeme& current() const { return lexemes_[at_]; }
  const Lexeme& peek() const { return lexemes_[std::min(at_ + 1, lexemes_.size() - 1)]; }
  Lexeme next();
  bool is_operator(std::string_view text) const;
  bool is_name(std::string_view text) const;
  bool skip_operator(std::string_view text);
  bool skip_name(std::string_view text);
  void expect_operator(std::string_view text);
  std::string expect_name();
  /// How the current lexeme reads in a message.
  std::string describe_current() const;

  /// Counts nested constructs while it lives. Throws: SyntaxError beyond the bound.
  class Nested {
   public:
    explicit Nested(ExpressionParser& parser);
    ~Nested() { --parser_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    ExpressionParser& parser_;
  };

 private:
  ExpressionPtr conditional();
  ExpressionPtr disjunction();
  ExpressionPtr conjunction();
  ExpressionPtr negation();
  ExpressionPtr comparison();
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr unary(bool with_filter);
  ExpressionPtr primary();
  ExpressionPtr postfix(ExpressionPtr node);
  ExpressionPtr filter_chain(ExpressionPtr node);
  ExpressionPtr test(ExpressionPtr target);
  ExpressionPtr subscript(ExpressionPtr object);
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr call(ExpressionPtr callee);
  CallArguments arguments();
  template <typename Next>
  ExpressionPtr left_associative(std::initializer_list<std::string_view> operators, Next next_level);

  std::vector<Lexeme> lexemes_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace lore::jinja
