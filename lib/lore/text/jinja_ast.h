#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lore/text/jinja_value.h"

namespace lore::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<const Expression>;
using Body = std::vector<Statement>;

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct Literal {
  Value value;
};
struct Name {
  std::string name;
};
struct SequenceLiteral {
  std::vector<ExpressionPtr> items;
  bool tuple;
};
struct DictLiteral {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> items;
};
struct Unary {
  std::string operation;  ///< - + not
  ExpressionPtr operand;
};
struct Binary {
  std::string operation;  ///< + - * / // % ** and or
  ExpressionPtr left;
  ExpressionPtr right;
};
/// a < b <= c: every neighbouring pair holds.
struct Comparison {
  ExpressionPtr first;
  std::vector<std::pair<std::string, ExpressionPtr>> rest;
};
struct Concatenation {
  std::vector<ExpressionPtr> parts;
};
struct Conditional {
  ExpressionPtr condition;
  ExpressionPtr then;
  ExpressionPtr otherwise;  ///< may be null: undefined
};
struct AttributeOf {
  ExpressionPtr object;
  std::string name;
};
struct ItemOf {
  ExpressionPtr object;
  ExpressionPtr index;
};
struct SliceOf {
  ExpressionPtr object;
  ExpressionPtr start;  ///< each of the three may be null
  ExpressionPtr stop;
  ExpressionPtr step;
};
struct CallOf {
  ExpressionPtr callee;
  CallArguments arguments;
};
struct FilterOf {
  ExpressionPtr target;  ///< null in filter blocks: the block's text
  std::string name;
  CallArguments arguments;
};
struct TestOf {
  ExpressionPtr target;
  std::string name;
  CallArguments arguments;
  bool negated;
};

struct Expression {
  int line;
  int height;  ///< of this tree; bounded by the parser
  std::variant<Literal, Name, SequenceLiteral, DictLiteral, Unary, Binary, Comparison, Concatenation,
               Conditional, AttributeOf, ItemOf, SliceOf, CallOf, FilterOf, TestOf>
      node;
};

/// What `set` and `for` assign to: one name, an attribute of a namespace, or several names.
struct Target {
  std::string name;
  std::string attribute;
  std::vector<Target> parts;
};

struct Text {
  std::string text;
};
struct Output {
  ExpressionPtr value;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  Body otherwise;
};
struct For {
  Target target;
  ExpressionPtr items;
  ExpressionPtr condition;  ///< may be null
  Body body;
  Body otherwise;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  ExpressionPtr filter;  ///< may be null
  Body body;
};
struct Parameter {
  std::string name;
  ExpressionPtr fallback;  ///< may be null
};
struct MacroBody {
  std::string name;
  std::vector<Parameter> parameters;
  Body body;
};
struct Macro {
  std::shared_ptr<const MacroBody> macro;
};
/// {% call(parameters) callee(...) %}: the body becomes `caller`.
struct CallBlock {
  std::shared_ptr<const MacroBody> caller;
  ExpressionPtr call;
};
struct FilterBlock {
  ExpressionPtr filter;
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> bindings;
  Body body;
};
struct Generation {
  Body body;
};
struct Break {};
struct Continue {};

struct Statement {
  int line;
  std::variant<Text, Output, If, For, Set, SetBlock, Macro, CallBlock, FilterBlock, With, Generation, Break,
               Continue>
      node;
};

/// A compiled template.
struct Template {
  std::string name;
  std::string source;
  Body body;
  int generation_line = 0;  ///< of the first `{% generation %}`, 0 without one
};

}  // namespace lore::jinja
