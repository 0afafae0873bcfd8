#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "lore/text/jinja_builtins.h"
#include "lore/text/jinja_operators.h"
#include "lore/text/jinja_print.h"
#include "lore/text/jinja_runtime.h"

namespace lore::jinja {

Value Runtime::evaluate(const Expression& expression, const ScopePtr& scope) {
  charge(1);
  if (depth_ >= kMaxDepth) {
    throw Failure(fmt::format("calls and blocks are nested deeper than {} levels", kMaxDepth));
  }
  ++depth_;
  line_ = expression.line;
  Value value = std::visit([&](const auto& node) { return evaluate_node(node, scope); }, expression.node);
  --depth_;
  return value;
}

Value Runtime::evaluate_node(const Literal& node, const ScopePtr&) { return node.value; }

Value Runtime::evaluate_node(const Name& node, const ScopePtr& scope) {
  const Value* value = scope->find(node.name);
  return value != nullptr ? *value : Value::undefined(fmt::format("'{}' is undefined", node.name));
}

Value Runtime::evaluate_node(const SequenceLiteral& node, const ScopePtr& scope) {
  std::vector<Value> items;
  items.reserve(node.items.size());
  for (const auto& item : node.items) {
    items.push_back(evaluate(*item, scope));
  }
  return node.tuple ? Value::tuple(std::move(items)) : Value::list(std::move(items));
}

Value Runtime::evaluate_node(const DictLiteral& node, const ScopePtr& scope) {
  std::vector<std::pair<Value, Value>> items;
  for (const auto& [key_node, value_node] : node.items) {
    Value key = evaluate(*key_node, scope);
    Value value = evaluate(*value_node, scope);
    if (key.is_dict() || (key.is_sequence() && !key.as_sequence().tuple)) {
      throw Failure(fmt::format("'{}' cannot be a key", key.type_name()));
    }
    bool replaced = false;
    for (auto& [old_key, old_value] : items) {
      if (equals(*this, old_key, key)) {
        old_value = value;
        replaced = true;
        break;
      }
    }
    if (!replaced) {
      items.emplace_back(std::move(key), std::move(value));
    }
  }
  return Value::dict(std::move(items));
}

Value Runtime::evaluate_node(const Unary& node, const ScopePtr& scope) {
  const Value operand = evaluate(*node.operand, scope);
  if (node.operation == "not") {
    return Value(!operand.truthy());
  }
  const Value negative = negate(operand);
  return node.operation == "-" ? negative : negate(negative);
}

Value Runtime::evaluate_node(const Binary& node, const ScopePtr& scope) {
  Value left = evaluate(*node.left, scope);
  if (node.operation == "and") {
    return left.truthy() ? evaluate(*node.right, scope) : left;
  }
  if (node.operation == "or") {
    return left.truthy() ? left : evaluate(*node.right, scope);
  }
  const Value right = evaluate(*node.right, scope);
  return arithmetic(*this, node.operation, left, right);
}

Value Runtime::evaluate_node(const Comparison& node, const ScopePtr& scope) {
  Value left = evaluate(*node.first, scope);
  for (const auto& [operation, operand] : node.rest) {
    Value right = evaluate(*operand, scope);
    if (!compare(*this, operation, left, right)) {
      return Value(false);
    }
    left = std::move(right);
  }
  return Value(true);
}

Value Runtime::evaluate_node(const Concatenation& node, const ScopePtr& scope) {
  std::string text;
  for (const auto& part : node.parts) {
    const Value value = evaluate(*part, scope);
    charge(value.extent().weight / 256);
    text += to_text(value);
    charge_bytes(text.size());
  }
  return Value(std::move(text));
}

Value Runtime::evaluate_node(const Conditional& node, const ScopePtr& scope) {
  if (evaluate(*node.condition, scope).truthy()) {
    return evaluate(*node.then, scope);
  }
  return node.otherwise ? evaluate(*node.otherwise, scope)
                        : Value::undefined(
                              "the inline if-expression evaluated to false and no else section was defined");
}

Value Runtime::evaluate_node(const AttributeOf& node, const ScopePtr& scope) {
  return attribute_of(evaluate(*node.object, scope), node.name);
}

Value Runtime::evaluate_node(const ItemOf& node, const ScopePtr& scope) {
  const Value object = evaluate(*node.object, scope);
  const Value key = evaluate(*node.index, scope);
  charge(object.is_dict()     ? object.as_dict().items.size() / 64
         : object.is_string() ? object.as_string().size() / 64
                              : 0);
  return item_of(object, key);
}

Value Runtime::evaluate_node(const SliceOf& node, const ScopePtr& scope) {
  const Value object = evaluate(*node.object, scope);
  const auto bound = [&](const ExpressionPtr& part) {
    return part ? evaluate(*part, scope) : Value(nullptr);
  };
  const Value start = bound(node.start);
  const Value stop = bound(node.stop);
  const Value step = bound(node.step);
  return slice_of(*this, object, start, stop, step);
}

Value Runtime::evaluate_node(const CallOf& node, const ScopePtr& scope) {
  const int line = line_;
  if (const auto* method = std::get_if<AttributeOf>(&node.callee->node)) {
    // The usual case, without making a value of the method.
    const Value self = evaluate(*method->object, scope);
    if (const Method found = find_method(self, method->name)) {
      Arguments arguments = evaluate_arguments(node.arguments, scope);
      charge_items(self);
      line_ = line;
      return found(*this, self, arguments);
    }
    const Value callee = attribute_of(self, method->name);
    Arguments arguments = evaluate_arguments(node.arguments, scope);
    line_ = line;
    return call(callee, arguments);
  }
  const Value callee = evaluate(*node.callee, scope);
  Arguments arguments = evaluate_arguments(node.arguments, scope);
  line_ = line;
  return call(callee, arguments);
}

Value Runtime::evaluate_node(const FilterOf& node, const ScopePtr& scope) {
  const Value target = evaluate(*node.target, scope);
  Arguments arguments = evaluate_arguments(node.arguments, scope);
  return filter(node.name, target, arguments);
}

Value Runtime::evaluate_node(const TestOf& node, const ScopePtr& scope) {
  const Value target = evaluate(*node.target, scope);
  Arguments arguments = evaluate_arguments(node.arguments, scope);
  return Value(test(node.name, target, arguments) != node.negated);
}

Arguments Runtime::evaluate_arguments(const CallArguments& arguments, const ScopePtr& scope) {
  Arguments result;
  for (const auto& argument : arguments.positional) {
    result.positional.push_back(evaluate(*argument, scope));
  }
  for (const auto& [name, argument] : arguments.named) {
    result.named.emplace_back(name, evaluate(*argument, scope));
  }
  return result;
}

/// Applies a chain of filters that was parsed without a target: its innermost one takes `text`.
Value Runtime::filtered(const Expression& chain, const Value& text, const ScopePtr& scope) {
  const auto& node = std::get<FilterOf>(chain.node);
  const Value target = node.target ? filtered(*node.target, text, scope) : text;
  Arguments arguments = evaluate_arguments(node.arguments, scope);
  return filter(node.name, target, arguments);
}

Value Runtime::call(const Value& callable, Arguments& arguments) {
  if (callable.is_undefined()) {
    callable.fail_undefined();
  }
  if (!callable.is(Value::Kind::kCallable)) {
    throw Failure(fmt::format("'{}' cannot be called", callable.type_name()));
  }
  charge(1);
  return callable.as_callable().call(*this, arguments);
}

Value Runtime::filter(const std::string& name, const Value& target, Arguments& arguments) {
  Filter found = find_filter(name);
  if (found == nullptr) {
    found = find_sequence_filter(name);
  }
  if (found == nullptr) {
    throw Failure(fmt::format("the filter '{}' is unknown or not supported", name));
  }
  // These look at the items, not into them: a long conversation is asked for its length at every message.
  constexpr std::array<std::string_view, 8> kShallow = {"count", "d",    "default", "first",
                                                        "last",  "list", "length",  "reverse"};
  if (std::find(kShallow.begin(), kShallow.end(), name) != kShallow.end()) {
    charge_items(target);
  } else {
    charge(1 + target.extent().weight / 64);
  }
  return found(*this, target, arguments);
}

bool Runtime::test(const std::string& name, const Value& target, Arguments& arguments) {
  const Test found = find_test(name);
  if (found == nullptr) {
    throw Failure(fmt::format("the test '{}' is unknown or not supported", name));
  }
  charge(1);
  return found(*this, target, arguments);
}

}  // namespace lore::jinja
