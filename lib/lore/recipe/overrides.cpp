#include "lore/recipe/overrides.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>

#include "lore/core/utf8.h"
#include "lore/recipe/keys.h"
#include "lore/recipe/yaml_text.h"

namespace lore {
namespace {

using Kind = YamlNode::Kind;

/// One step of a dotted key: a name, or a list index. A number after a dot may be either.
struct Step {
  std::string name;
  std::optional<std::size_t> index;
  bool only_index = false;  // written [0]
};

struct Problem {
  std::string message;
};

std::optional<std::size_t> to_index(std::string_view digits) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  const bool whole = !digits.empty() && error == std::errc() && end == digits.data() + digits.size();
  return whole ? std::optional(index) : std::nullopt;
}

/// Splits `a.b[0].c`. Below a key whose value is a mapping with free names (`adapter.rank_pattern`), the
/// rest is one name, dots and brackets included.
std::vector<Step> split_key(std::string_view key) {
  for (const RecipeKey& known : recipe_keys()) {
    const std::string prefix = known.name + ".";
    if (known.free_names && key.starts_with(prefix) && key.size() > prefix.size()) {
      std::vector<Step> steps = split_key(known.name);
      steps.push_back({std::string(key.substr(prefix.size())), {}, false});
      return steps;
    }
  }
  std::vector<Step> steps;
  while (true) {
    const std::size_t end = std::min(key.find_first_of(".["), key.size());
    if (end == 0) {
      throw Problem{"a part of the key is empty"};
    }
    const std::string_view name = key.substr(0, end);
    steps.push_back({std::string(name), to_index(name), false});
    key.remove_prefix(end);
    while (key.starts_with('[')) {
      const std::size_t close = std::min(key.find(']'), key.size());
      const auto index = to_index(key.substr(1, close - 1));
      if (!index || close == key.size()) {
        throw Problem{fmt::format("expected a list index such as [0] at {}", quoted_text(key))};
      }
      steps.push_back({std::string(key.substr(1, close - 1)), index, true});
      key.remove_prefix(close + 1);
    }
    if (key.empty()) {
      return steps;
    }
    if (key[0] != '.') {
      throw Problem{fmt::format("expected a dot at {}", quoted_text(key))};
    }
    key.remove_prefix(1);
  }
}

/// `node` with the value at `steps` replaced. `path` names `node` in messages.
YamlNodePtr replaced(const YamlNodePtr& node, std::span<const Step> steps, const YamlNodePtr& value,
                     const std::string& path) {
  if (steps.empty()) {
    return value;
  }
  const Step& step = steps[0];
  const bool missing = !node || node->kind == Kind::kNull;
  const bool as_list = missing ? step.index.has_value() : node->kind == Kind::kList;
  if (!missing && node->kind != Kind::kList && node->kind != Kind::kMap) {
    throw Problem{
        fmt::format("{} is neither a mapping nor a list, so it has no {}", path, quoted_text(step.name))};
  }
  if (as_list != step.index.has_value() && (as_list || step.only_index)) {
    throw Problem{fmt::format("{} is a {}, so it has no {}", path, as_list ? "list" : "mapping",
                              quoted_text(step.name))};
  }
  auto copy = missing ? std::make_shared<YamlNode>() : std::make_shared<YamlNode>(*node);
  if (missing) {
    copy->kind = as_list ? Kind::kList : Kind::kMap;
    copy->place = value->place;
  }
  if (as_list) {
    const std::string inner = fmt::format("{}[{}]", path, *step.index);
    if (*step.index > copy->items.size()) {
      throw Problem{fmt::format("{} does not exist: the list has {} items; [{}] adds one", inner,
                                copy->items.size(), copy->items.size())};
    }
    if (*step.index == copy->items.size()) {
      copy->items.push_back(nullptr);
    }
    YamlNodePtr& item = copy->items[*step.index];
    item = replaced(item, steps.subspan(1), value, inner);
    return copy;
  }
  const std::string inner = path.empty() ? step.name : path + "." + step.name;
  auto entry = std::ranges::find(copy->entries, step.name, &YamlEntry::key);
  if (entry == copy->entries.end()) {
    entry = copy->entries.insert(entry, {value->place, step.name, nullptr});
  }
  entry->value = replaced(entry->value, steps.subspan(1), value, inner);
  if (steps.size() == 1) {
    entry->place = value->place;
  }
  return copy;
}

}  // namespace

std::string override_key(const std::string& assignment) { return assignment.substr(0, assignment.find('=')); }

YamlNodePtr apply_override(const YamlNodePtr& root, const std::string& assignment, int source,
                           std::vector<YamlProblem>& problems) {
  const YamlPlace place{source, 0, 0};
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos) {
    problems.push_back({place, "expected KEY=VALUE, e.g. training.epochs=2"});
    return root;
  }
  std::vector<YamlProblem> value_problems;
  const YamlNodePtr value =
      parse_yaml(std::string_view(assignment).substr(equals + 1), source, value_problems);
  for (YamlProblem& problem : value_problems) {
    problems.push_back({place, std::move(problem.message)});
  }
  if (!value) {
    return root;
  }
  try {
    if (!is_valid_utf8(assignment)) {
      throw Problem{"the key is not UTF-8"};
    }
    const std::vector<Step> steps = split_key(override_key(assignment));
    if (steps.size() > static_cast<std::size_t>(kMostYamlLevels)) {
      throw Problem{fmt::format("the key has more than {} parts", kMostYamlLevels)};
    }
    return replaced(root, steps, value, "");
  } catch (const Problem& problem) {
    problems.push_back({place, problem.message});
    return root;
  }
}

}  // namespace lore
