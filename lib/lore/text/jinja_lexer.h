#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lore::jinja {

/// What is wrong with a template's text, and on which line.
struct SyntaxError {
  int line;
  std::string message;
};

struct Lexeme {
  enum class Kind {
    kText,           ///< literal output
    kStatementOpen,  ///< {%
    kStatementClose,
    kExpressionOpen,  ///< {{
    kExpressionClose,
    kName,
    kString,  ///< `text` holds the value, escapes resolved
    kInteger,
    kFloat,
    kOperator,
    kEnd
  };
  Kind kind = Kind::kEnd;
  int line = 1;
  std::string text;
  std::int64_t integer = 0;
  double number = 0;
};

/// Splits a template into lexemes as jinja2 does with trim_blocks and lstrip_blocks: comments and raw
/// blocks are resolved, `-` and `+` signs applied. Throws: SyntaxError.
std::vector<Lexeme> lex(std::string_view source);

}  // namespace lore::jinja
