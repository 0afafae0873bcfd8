#include "lore/text/jinja_runtime.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/text/jinja_builtins.h"
#include "lore/text/jinja_operators.h"
#include "lore/text/jinja_print.h"

namespace lore::jinja {

void Scope::set(std::string_view name, Value value) {
  for (auto& [key, old] : variables) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  variables.emplace_back(std::string(name), std::move(value));
}

const Value* Scope::find(std::string_view name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->parent.get()) {
    for (const auto& [key, value] : scope->variables) {
      if (key == name) {
        return &value;
      }
    }
  }
  return nullptr;
}

/// Counts nested evaluations while it lives.
class Runtime::Depth {
 public:
  explicit Depth(Runtime& runtime) : runtime_(runtime) {
    if (runtime.depth_ >= kMaxDepth) {
      throw Failure(fmt::format("calls and blocks are nested deeper than {} levels", kMaxDepth));
    }
    ++runtime_.depth_;
  }
  ~Depth() { --runtime_.depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;

 private:
  Runtime& runtime_;
};

void Runtime::charge(std::size_t steps) {
  if (steps > kMaxSteps - steps_) {
    throw Failure(fmt::format("rendering takes more than {} steps", kMaxSteps));
  }
  steps_ += steps;
}

void Runtime::charge_bytes(std::size_t bytes) {
  if (bytes > kMaxOutput) {
    throw Failure(fmt::format("a text is longer than {} bytes", kMaxOutput));
  }
  charge(bytes / 256);
}

void Runtime::charge_items(const Value& value) {
  const std::size_t items = value.is_sequence()                 ? value.as_sequence().items.size()
                            : value.is_dict()                   ? value.as_dict().items.size()
                            : value.is(Value::Kind::kGenerator) ? value.as_generator().items.size()
                                                                : 0;
  charge(1 + (value.is_string() ? value.as_string().size() / 64 : items / 16));
}

void Runtime::charge_search(std::string_view text, std::string_view part) {
  charge((text.size() / 64) * (part.size() / 64));
}

Rendered Runtime::run(std::vector<std::pair<std::string, Value>>&& variables) {
  auto globals = std::make_shared<Scope>();
  globals->variables = global_functions();
  auto root = std::make_shared<Scope>();
  root->parent = globals;
  for (auto& [name, value] : variables) {
    root->set(name, std::move(value));
  }
  // A copy: the template may set another `messages`, and then an address could be used anew.
  const Value messages = *root->find("messages");
  if (messages.is_sequence()) {
    const std::vector<Value>& items = messages.as_sequence().items;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i].is_dict()) {
        messages_.emplace(&items[i].as_dict(), i);
      }
    }
  }
  execute(template_.body, root);
  return {std::move(output_), std::move(generation_spans_), std::move(message_spans_)};
}

std::optional<std::size_t> Runtime::message_of(const Value& value) const {
  const auto found = value.is_dict() ? messages_.find(&value.as_dict()) : messages_.end();
  return found == messages_.end() ? std::nullopt : std::optional(found->second);
}

Namespace* Runtime::new_namespace() {
  charge(4);
  return &namespaces_.emplace_back();
}

void Runtime::write(std::string_view text) {
  if (text.size() > kMaxOutput - output_.size()) {
    throw Failure(fmt::format("the output is longer than {} bytes", kMaxOutput));
  }
  output_ += text;
}

std::string Runtime::capture(const Body& body, const ScopePtr& outer) {
  std::string before = std::exchange(output_, {});
  if (captured_++ == 0) {
    root_ = std::move(before);
    before.clear();
  }
  auto scope = std::make_shared<Scope>();
  scope->parent = outer;
  execute(body, scope);
  std::string text = std::move(output_);
  output_ = --captured_ == 0 ? std::move(root_) : std::move(before);
  charge_bytes(text.size());
  return text;
}

void Runtime::assign(const Target& target, const Value& value, const ScopePtr& scope) {
  if (!target.parts.empty()) {
    const std::vector<Value> items = items_of(*this, value);
    if (items.size() != target.parts.size()) {
      throw Failure(fmt::format("{} names are given {} values", target.parts.size(), items.size()));
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      assign(target.parts[i], items[i], scope);
    }
    return;
  }
  if (target.attribute.empty()) {
    scope->set(target.name, value);
    return;
  }
  const Value* object = scope->find(target.name);
  if (object == nullptr || !object->is(Value::Kind::kNamespace)) {
    throw Failure(fmt::format("'{}' is not a namespace, so '{}.{}' cannot be set", target.name, target.name,
                              target.attribute));
  }
  auto& attributes = object->as_namespace()->attributes;
  charge(attributes.size() / 16);
  for (auto& [key, old] : attributes) {
    if (key == target.attribute) {
      old = value;
      return;
    }
  }
  attributes.emplace_back(target.attribute, value);
}

Runtime::Flow Runtime::execute(const Body& body, const ScopePtr& scope) {
  const Depth depth(*this);
  for (const Statement& statement : body) {
    charge(1);
    line_ = statement.line;
    const Flow flow = std::visit([&](const auto& node) { return execute_node(node, scope); }, statement.node);
    if (flow != Flow::kNext) {
      return flow;
    }
  }
  return Flow::kNext;
}

Runtime::Flow Runtime::execute_node(const Text& node, const ScopePtr&) {
  write(node.text);
  return Flow::kNext;
}

Runtime::Flow Runtime::execute_node(const Output& node, const ScopePtr& scope) {
  const Value value = evaluate(*node.value, scope);
  charge(value.extent().weight / 256);
  if (value.is_string()) {
    write(value.as_string());
  } else {
    write(to_text(value));
  }
  return Flow::kNext;
}

Runtime::Flow Runtime::execute_node(const If& node, const ScopePtr& scope) {
  for (const auto& [condition, body] : node.branches) {
    if (evaluate(*condition, scope).truthy()) {
      return execute(body, scope);
    }
  }
  return execute(node.otherwise, scope);
}

Runtime::Flow Runtime::execute_node(const For& node, const ScopePtr& scope) {
  std::vector<Value> items = items_of(*this, evaluate(*node.items, scope));
  if (node.condition) {
    std::vector<Value> kept;
    for (Value& item : items) {
      auto inner = std::make_shared<Scope>();
      inner->parent = scope;
      assign(node.target, item, inner);
      if (evaluate(*node.condition, inner).truthy()) {
        kept.push_back(std::move(item));
      }
    }
    items = std::move(kept);
  }
  if (items.empty()) {
    auto inner = std::make_shared<Scope>();
    inner->parent = scope;
    return execute(node.otherwise, inner);
  }
  const int line = line_;
  Loop& loop = loops_.emplace_back();
  loop.items = std::move(items);
  for (loop.index = 0; loop.index < loop.items.size(); ++loop.index) {
    charge(1);
    auto inner = std::make_shared<Scope>();
    inner->parent = scope;
    inner->set("loop", Value(&loop));
    assign(node.target, loop.items[loop.index], inner);
    const std::size_t begin = output_.size();
    const Flow flow = execute(node.body, inner);
    if (const auto message = message_of(loop.items[loop.index]);
        message && captured_ == 0 && output_.size() > begin) {
      message_spans_.push_back({*message, begin, output_.size(), line});
    }
    if (flow == Flow::kBreak) {
      break;
    }
  }
  loop.items.clear();
  return Flow::kNext;
}

Runtime::Flow Runtime::execute_node(const Set& node, const ScopePtr& scope) {
  assign(node.target, evaluate(*node.value, scope), scope);
  return Flow::kNext;
}

Runtime::Flow Runtime::execute_node(const SetBlock& node, const ScopePtr& scope) {
  const Value text(capture(node.body, scope));
  assign(node.target, node.filter ? filtered(*node.filter, text, scope) : text, scope);
  return Flow::kNext;
}

Runtime::Flow Runtime::execute_node(const Macro& node, const ScopePtr& scope) {
  scope->set(node.macro->name, macro_value(node.macro, scope));
  return Flow::kNext;
}

Runtime::Flow Runtime::execute_node(const CallBlock& node, const ScopePtr& scope) {
  const auto& call_of = std::get<CallOf>(node.call->node);
  const Value callee = evaluate(*call_of.callee, scope);
  Arguments arguments = evaluate_arguments(call_of.arguments, scope);
  arguments.named.emplace_back("caller", macro_value(node.caller, scope));
  write(to_text(call(callee, arguments)));
  return Flow::kNext;
}

Runtime::Flow Runtime::execute_node(const FilterBlock& node, const ScopePtr& scope) {
  write(to_text(filtered(*node.filter, Value(capture(node.body, scope)), scope)));
  return Flow::kNext;
}

Runtime::Flow Runtime::execute_node(const With& node, const ScopePtr& scope) {
  auto inner = std::make_shared<Scope>();
  inner->parent = scope;
  for (const auto& [target, value] : node.bindings) {
    assign(target, evaluate(*value, scope), inner);
  }
  return execute(node.body, inner);
}

Runtime::Flow Runtime::execute_node(const Generation& node, const ScopePtr& scope) {
  const std::string text = capture(node.body, scope);
  // As in transformers, a block inside a macro or a captured text starts at what the output proper has so
  // far.
  const std::size_t begin = captured_ > 0 ? root_.size() : output_.size();
  write(text);
  generation_spans_.emplace_back(begin, begin + text.size());
  return Flow::kNext;
}

Runtime::Flow Runtime::execute_node(const Break&, const ScopePtr&) { return Flow::kBreak; }

Runtime::Flow Runtime::execute_node(const Continue&, const ScopePtr&) { return Flow::kContinue; }

Value Runtime::macro_value(std::shared_ptr<const MacroBody> macro, const ScopePtr& scope) {
  const std::string name = macro->name;
  // Weak, since the scope holds the macro.
  std::weak_ptr<Scope> weak = scope;
  return Value(std::make_shared<const Callable>(
      Callable{name, [macro = std::move(macro), weak](Runtime& runtime, Arguments& arguments) {
                 const ScopePtr defined_in = weak.lock();
                 if (!defined_in) {
                   throw Failure(fmt::format("the macro '{}' is called outside the block that defines it",
                                             macro->name));
                 }
                 return runtime.call_macro(*macro, defined_in, arguments);
               }}));
}

Value Runtime::call_macro(const MacroBody& macro, const ScopePtr& defined_in, Arguments& arguments) {
  const Depth depth(*this);
  auto scope = std::make_shared<Scope>();
  scope->parent = defined_in;
  std::vector<Value> more;
  for (std::size_t i = macro.parameters.size(); i < arguments.positional.size(); ++i) {
    more.push_back(arguments.positional[i]);
  }
  scope->set("varargs", Value::tuple(std::move(more)));
  std::vector<std::pair<Value, Value>> others;
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    const Parameter& parameter = macro.parameters[i];
    const auto named = std::find_if(arguments.named.begin(), arguments.named.end(),
                                    [&](const auto& argument) { return argument.first == parameter.name; });
    if (i < arguments.positional.size()) {
      scope->set(parameter.name, arguments.positional[i]);
    } else if (named != arguments.named.end()) {
      scope->set(parameter.name, named->second);
    } else if (parameter.fallback) {
      scope->set(parameter.name, evaluate(*parameter.fallback, scope));
    } else {
      scope->set(parameter.name,
                 Value::undefined(fmt::format("parameter '{}' was not provided", parameter.name)));
    }
  }
  for (const auto& [name, value] : arguments.named) {
    const bool known =
        std::any_of(macro.parameters.begin(), macro.parameters.end(),
                    [&, &key = name](const Parameter& parameter) { return parameter.name == key; });
    if (name == "caller" && !known) {
      scope->set("caller", value);
    } else if (!known) {
      others.emplace_back(Value(name), value);
    }
  }
  scope->set("kwargs", Value::dict(std::move(others)));
  return Value(capture(macro.body, scope));
}

}  // namespace lore::jinja
