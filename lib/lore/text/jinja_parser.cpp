#include "lore/text/jinja_parser.h"

#include <fmt/format.h>

#include <algorithm>

namespace lore::jinja {
namespace {

using Kind = Lexeme::Kind;

class StatementParser : ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  Body whole() {
    Body body = statements({});
    if (current().kind != Kind::kEnd) {
      fail(fmt::format("unexpected {}", describe_current()));
    }
    return body;
  }

  int generation_line() const { return generation_line_; }

 private:
  /// Statements up to `{% NAME` for one of `ends`, where NAME becomes the current lexeme; to the end of
  /// the template when there are none.
  Body statements(std::initializer_list<std::string_view> ends) {
    const Nested nested(*this);
    const int opened = current().line;
    Body body;
    while (true) {
      const int line = current().line;
      switch (current().kind) {
        case Kind::kText:
          body.push_back({line, Text{next().text}});
          break;
        case Kind::kExpressionOpen:
          next();
          body.push_back({line, Output{tuple(true)}});
          expect_close(Kind::kExpressionClose);
          break;
        case Kind::kStatementOpen:
          next();
          if (current().kind == Kind::kName &&
              std::find(ends.begin(), ends.end(), current().text) != ends.end()) {
            return body;
          }
          statement(body, line);
          break;
        case Kind::kEnd:
          if (ends.size() > 0) {
            throw SyntaxError{opened,
                              fmt::format("this block has no end: '{}' is missing", *(ends.end() - 1))};
          }
          return body;
        default:
          fail(fmt::format("unexpected {}", describe_current()));
      }
    }
  }

  void expect_close(Kind kind) {
    if (current().kind != kind) {
      fail(fmt::format("expected '{}', got {}", kind == Kind::kStatementClose ? "%}" : "}}",
                       describe_current()));
    }
    next();
  }

  void close() { expect_close(Kind::kStatementClose); }

  /// The body of a block whose tag has just been read, and its end tag.
  Body block(std::string_view end) {
    close();
    Body body = statements({end});
    next();
    return body;
  }

  void statement(Body& body, int line) {
    const std::string name = expect_name();
    if (name == "if") {
      body.push_back({line, if_statement()});
    } else if (name == "for") {
      body.push_back({line, for_statement()});
    } else if (name == "set") {
      body.push_back(set_statement(line));
    } else if (name == "macro") {
      body.push_back({line, macro_statement()});
    } else if (name == "call") {
      body.push_back({line, call_statement()});
    } else if (name == "filter") {
      ExpressionPtr chain = filters(nullptr);
      body.push_back({line, FilterBlock{std::move(chain), outside_loop("endfilter")}});
    } else if (name == "with") {
      body.push_back({line, with_statement()});
    } else if (name == "generation") {
      generation_line_ = generation_line_ == 0 ? line : generation_line_;
      body.push_back({line, Generation{outside_loop("endgeneration")}});
    } else if (name == "break" || name == "continue") {
      if (loops_ == 0) {
        fail(fmt::format("'{}' stands outside a loop", name));
      }
      body.push_back(name == "break" ? Statement{line, Break{}} : Statement{line, Continue{}});
    } else {
      fail(fmt::format("the tag '{}' is unknown or not supported", name));
    }
    close();
  }

  /// A block that a `break` cannot leave.
  Body outside_loop(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    Body body = block(end);
    loops_ = loops;
    return body;
  }

  If if_statement() {
    If result;
    while (true) {
      ExpressionPtr condition = tuple(false);
      close();
      Body body = statements({"elif", "else", "endif"});
      result.branches.emplace_back(std::move(condition), std::move(body));
      const std::string tag = next().text;
      if (tag == "else") {
        result.otherwise = block("endif");
      }
      if (tag != "elif") {
        return result;
      }
    }
  }

  For for_statement() {
    For result;
    result.target = target(false, "in");
    if (!skip_name("in")) {
      fail(fmt::format("expected 'in', got {}", describe_current()));
    }
    result.items = tuple(false, "recursive");
    if (skip_name("if")) {
      result.condition = expression();
    }
    if (is_name("recursive")) {
      fail("recursive loops are not supported");
    }
    close();
    ++loops_;
    result.body = statements({"else", "endfor"});
    --loops_;
    if (next().text == "else") {
      result.otherwise = block("endfor");
    }
    return result;
  }

  Statement set_statement(int line) {
    Target assigned = target(true, {});
    if (skip_operator("=")) {
      return {line, Set{std::move(assigned), tuple(true)}};
    }
    ExpressionPtr chain = skip_operator("|") ? filters(nullptr) : nullptr;
    return {line, SetBlock{std::move(assigned), std::move(chain), outside_loop("endset")}};
  }

  /// NAME, NAME.ATTRIBUTE or a list of targets, which ends before the name `stop`.
  Target target(bool attributes, std::string_view stop) {
    Target first = one_target(attributes);
    if (!is_operator(",")) {
      return first;
    }
    Target several;
    several.parts.push_back(std::move(first));
    while (skip_operator(",")) {
      if (current().kind != Kind::kName && !is_operator("(")) {
        break;
      }
      if (!stop.empty() && is_name(stop)) {
        break;
      }
      several.parts.push_back(one_target(attributes));
    }
    return several;
  }

  Target one_target(bool attributes) {
    const Nested nested(*this);
    if (skip_operator("(")) {
      Target inner = target(attributes, {});
      expect_operator(")");
      return inner;
    }
    static constexpr std::string_view kReserved[] = {"true", "false", "none", "True", "False", "None"};
    if (std::find(std::begin(kReserved), std::end(kReserved), current().text) != std::end(kReserved)) {
      fail(fmt::format("cannot assign to '{}'", current().text));
    }
    Target result;
    result.name = expect_name();
    if (attributes && skip_operator(".")) {
      result.attribute = expect_name();
    }
    return result;
  }

  std::vector<Parameter> parameters() {
    std::vector<Parameter> result;
    expect_operator("(");
    while (!is_operator(")")) {
      if (!result.empty()) {
        expect_operator(",");
      }
      Parameter parameter;
      parameter.name = expect_name();
      if (skip_operator("=")) {
        parameter.fallback = expression();
      } else if (!result.empty() && result.back().fallback) {
        fail("a parameter without a default follows one with a default");
      }
      result.push_back(std::move(parameter));
    }
    expect_operator(")");
    return result;
  }

  Macro macro_statement() {
    auto macro = std::make_shared<MacroBody>();
    macro->name = expect_name();
    macro->parameters = parameters();
    macro->body = outside_loop("endmacro");
    return Macro{std::move(macro)};
  }

  CallBlock call_statement() {
    auto caller = std::make_shared<MacroBody>();
    caller->name = "caller";
    if (is_operator("(")) {
      caller->parameters = parameters();
    }
    ExpressionPtr call = expression();
    if (!std::holds_alternative<CallOf>(call->node)) {
      fail("a call block needs a call");
    }
    caller->body = outside_loop("endcall");
    return CallBlock{std::move(caller), std::move(call)};
  }

  With with_statement() {
    With result;
    while (current().kind != Kind::kStatementClose) {
      if (!result.bindings.empty()) {
        expect_operator(",");
      }
      Target assigned = one_target(false);
      expect_operator("=");
      result.bindings.emplace_back(std::move(assigned), expression());
    }
    result.body = block("endwith");
    return result;
  }

  int loops_ = 0;
  int generation_line_ = 0;
};

}  // namespace

Template parse(std::string name, std::string source) {
  StatementParser parser(lex(source));
  Template result;
  result.body = parser.whole();
  result.generation_line = parser.generation_line();
  result.name = std::move(name);
  result.source = std::move(source);
  return result;
}

}  // namespace lore::jinja
