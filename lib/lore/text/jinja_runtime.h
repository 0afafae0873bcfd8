#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lore/text/chat_template.h"
#include "lore/text/jinja_ast.h"
#include "lore/text/jinja_value.h"

namespace lore::jinja {

inline constexpr std::size_t kMaxSteps = 1'000'000;
inline constexpr std::size_t kMaxOutput = std::size_t{4} << 20;
inline constexpr int kMaxDepth = 1000;

/// The variables of one block; inner blocks see the outer ones.
struct Scope {
  std::vector<std::pair<std::string, Value>> variables;
  std::shared_ptr<Scope> parent;

  void set(std::string_view name, Value value);
  const Value* find(std::string_view name) const;
};

/// One rendering of a template, within the bounds above.
class Runtime {
 public:
  Runtime(const Template& compiled, std::string now) : template_(compiled), now_(std::move(now)) {}

  /// Throws: Failure; `line` then tells where.
  Rendered run(std::vector<std::pair<std::string, Value>>&& variables);
  int line() const { return line_; }

  /// Counts work. Throws: Failure when the template has used up its steps.
  void charge(std::size_t steps);
  /// Counts the making or reading of that many bytes. Throws: Failure beyond kMaxOutput in one text.
  void charge_bytes(std::size_t bytes);
  /// Counts going through the items of a container, not what they hold in turn, or through the bytes of a
  /// text.
  void charge_items(const Value& value);
  /// Counts looking for `part` in `text`, which at the worst compares each byte of one with each of the
  /// other.
  void charge_search(std::string_view text, std::string_view part);

  Value call(const Value& callable, Arguments& arguments);
  Value filter(const std::string& name, const Value& target, Arguments& arguments);
  bool test(const std::string& name, const Value& target, Arguments& arguments);
  Namespace* new_namespace();
  /// Seconds since the epoch, or empty.
  const std::string& now() const { return now_; }

 private:
  enum class Flow { kNext, kBreak, kContinue };
  using ScopePtr = std::shared_ptr<Scope>;
  class Depth;

  Value evaluate(const Expression& expression, const ScopePtr& scope);
  Value evaluate_node(const Name& node, const ScopePtr& scope);
  Value evaluate_node(const Literal& node, const ScopePtr& scope);
  Value evaluate_node(const SequenceLiteral& node, const ScopePtr& scope);
  Value evaluate_node(const DictLiteral& node, const ScopePtr& scope);
  Value evaluate_node(const Unary& node, const ScopePtr& scope);
  Value evaluate_node(const Binary& node, const ScopePtr& scope);
  Value evaluate_node(const Comparison& node, const ScopePtr& scope);
  Value evaluate_node(const Concatenation& node, const ScopePtr& scope);
  Value evaluate_node(const Conditional& node, const ScopePtr& scope);
  Value evaluate_node(const AttributeOf& node, const ScopePtr& scope);
  Value evaluate_node(const ItemOf& node, const ScopePtr& scope);
  Value evaluate_node(const SliceOf& node, const ScopePtr& scope);
  Value evaluate_node(const CallOf& node, const ScopePtr& scope);
  Value evaluate_node(const FilterOf& node, const ScopePtr& scope);
  Value evaluate_node(const TestOf& node, const ScopePtr& scope);
  Arguments evaluate_arguments(const CallArguments& arguments, const ScopePtr& scope);
  Value filtered(const Expression& filter, const Value& text, const ScopePtr& scope);

  Flow execute(const Body& body, const ScopePtr& scope);
  Flow execute_node(const Text& node, const ScopePtr& scope);
  Flow execute_node(const Output& node, const ScopePtr& scope);
  Flow execute_node(const If& node, const ScopePtr& scope);
  Flow execute_node(const For& node, const ScopePtr& scope);
  Flow execute_node(const Set& node, const ScopePtr& scope);
  Flow execute_node(const SetBlock& node, const ScopePtr& scope);
  Flow execute_node(const Macro& node, const ScopePtr& scope);
  Flow execute_node(const CallBlock& node, const ScopePtr& scope);
  Flow execute_node(const FilterBlock& node, const ScopePtr& scope);
  Flow execute_node(const With& node, const ScopePtr& scope);
  Flow execute_node(const Generation& node, const ScopePtr& scope);
  Flow execute_node(const Break& node, const ScopePtr& scope);
  Flow execute_node(const Continue& node, const ScopePtr& scope);

  /// The index of the message that `value` is.
  std::optional<std::size_t> message_of(const Value& value) const;
  void write(std::string_view text);
  /// What `body` writes, in a scope of its own.
  std::string capture(const Body& body, const ScopePtr& outer);
  void assign(const Target& target, const Value& value, const ScopePtr& scope);
  Value macro_value(std::shared_ptr<const MacroBody> macro, const ScopePtr& scope);
  Value call_macro(const MacroBody& macro, const ScopePtr& defined_in, Arguments& arguments);

  const Template& template_;
  std::string now_;
  std::size_t steps_ = 0;
  int line_ = 1;
  int depth_ = 0;
  std::size_t captured_ = 0;  ///< nested captures: 0 when writing to the output itself
  std::string output_;        ///< of the innermost capture
  std::string root_;          ///< the output proper, while a capture is running
  std::vector<std::pair<std::size_t, std::size_t>> generation_spans_;
  std::unordered_map<const Dict*, std::size_t> messages_;  ///< the messages given, to their indices
  std::vector<MessageSpan> message_spans_;
  std::deque<Namespace> namespaces_;
  std::deque<Loop> loops_;
};

}  // namespace lore::jinja
