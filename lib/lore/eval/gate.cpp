#include "lore/eval/gate.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "lore/core/error.h"
#include "lore/core/suggestion.h"

namespace lore {
namespace {

constexpr std::string_view kComparisons[] = {">=", "<=", "==", ">", "<"};
constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw Error(
      ErrorKind::kUsage, fmt::format("gate '{}'", text),
      fmt::format("{}; write a metric, one of >=, >, <=, <, == and a number, as in 'delta.perplexity <= 0'",
                  why));
}

/// The numbers that a name's first word stands for.
struct Prefix {
  std::string_view word;
  Metrics GatedNumbers::*numbers;
  std::string_view missing;  ///< why there are none
};

constexpr Prefix kPrefixes[] = {
    {"base", &GatedNumbers::base, "no base was measured beside an adapter"},
    {"delta", &GatedNumbers::delta, "no base was measured beside an adapter"},
    {"baseline", &GatedNumbers::baseline, "no baseline was given (--baseline REPORT.json)"},
    {"vs_baseline", &GatedNumbers::vs_baseline, "no baseline was given (--baseline REPORT.json)"},
};

/// "terms.recall.delta" and "terms.recall.delta.low" as "delta.terms.recall" and "delta.terms.recall.low".
std::string with_prefix(std::string name) {
  std::string bound;
  for (const std::string ending : {".low", ".high"}) {
    if (name.ends_with(ending)) {
      bound = ending;
      name.resize(name.size() - ending.size());
    }
  }
  for (const Prefix& prefix : kPrefixes) {
    const std::string ending = fmt::format(".{}", prefix.word);
    if (name.ends_with(ending)) {
      name.resize(name.size() - ending.size());
      return fmt::format("{}.{}{}", prefix.word, name, bound);
    }
  }
  return name + bound;
}

bool compares(double value, const std::string& comparison, double bound) {
  if (comparison == ">=") {
    return value >= bound;
  }
  if (comparison == "<=") {
    return value <= bound;
  }
  if (comparison == ">") {
    return value > bound;
  }
  return comparison == "<" ? value < bound : value == bound;
}

/// Takes "[GROUPING=GROUP]" out of what stands before the comparison. A group may hold any character.
void take_group(std::string_view text, std::string& name, Gate& gate) {
  const std::size_t open = name.find('[');
  if (open == std::string::npos) {
    return;
  }
  const std::size_t close = name.rfind(']');
  const std::size_t equals = name.find('=', open);
  if (close == std::string::npos || equals == std::string::npos || equals > close) {
    refuse(text, "names no group; write [GROUPING=GROUP] behind the metric, as in terms.recall[domain=law]");
  }
  gate.grouping = trim(std::string_view(name).substr(open + 1, equals - open - 1));
  gate.group = trim(std::string_view(name).substr(equals + 1, close - equals - 1));
  if (gate.grouping.empty() || gate.group.empty()) {
    refuse(text, "names no group; write [GROUPING=GROUP] behind the metric, as in terms.recall[domain=law]");
  }
  name.erase(open, close + 1 - open);
}

/// Names near one that was not measured. Those of groups are too many to be named.
std::string suggestion(std::string_view name, const Metrics& numbers) {
  std::vector<std::string> names;
  for (const auto& [known, value] : numbers) {
    if (known.find('[') == std::string::npos) {
      names.push_back(known);
    }
  }
  return did_you_mean(name, names);
}

/// Whether `value` is farther from holding than `other`.
bool is_worse(double value, double other, const Gate& gate) {
  if (std::isnan(value) || std::isnan(other)) {
    return std::isnan(value) && !std::isnan(other);
  }
  if (gate.comparison == "==") {
    return std::abs(value - gate.bound) > std::abs(other - gate.bound);
  }
  return gate.comparison.starts_with('>') ? value < other : value > other;
}

}  // namespace

std::string group_metric(std::string_view metric, std::string_view grouping, std::string_view group) {
  return fmt::format("{}[{}={}]", metric, grouping, group);
}

Gate parse_gate(std::string_view text) {
  const std::size_t bracket = text.find_first_of("[<>=");
  const std::size_t after_group =
      bracket != std::string_view::npos && text[bracket] == '[' ? text.rfind(']') : 0;
  const std::size_t place =
      after_group == std::string_view::npos ? after_group : text.find_first_of("<>=", after_group);
  if (place == std::string_view::npos) {
    refuse(text, "has no comparison");
  }
  Gate gate;
  gate.text = trim(text);
  std::string name(trim(text.substr(0, place)));
  for (const std::string_view comparison : kComparisons) {
    if (gate.comparison.empty() && text.substr(place).starts_with(comparison)) {
      gate.comparison = comparison;
    }
  }
  if (gate.comparison.empty()) {
    refuse(text, "has no comparison");
  }
  take_group(text, name, gate);
  if (name.empty() || name.find_first_not_of(kNameCharacters) != std::string::npos) {
    refuse(text, "does not begin with the name of a metric");
  }
  gate.metric = with_prefix(std::move(name));
  const std::string_view number = trim(text.substr(place + gate.comparison.size()));
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), gate.bound);
  if (error != std::errc() || end != number.data() + number.size() || !std::isfinite(gate.bound)) {
    refuse(text, "does not end with a number");
  }
  return gate;
}

GateResult check_gate(const Gate& gate, const GatedNumbers& numbers) {
  const Metrics* held = &numbers.metrics;
  std::string_view name = gate.metric;
  GateResult result{gate.text, std::nullopt, false, "", ""};
  for (const Prefix& prefix : kPrefixes) {
    if (name.size() > prefix.word.size() && name.starts_with(prefix.word) &&
        name[prefix.word.size()] == '.') {
      held = &(numbers.*prefix.numbers);
      name.remove_prefix(prefix.word.size() + 1);
      if (held->empty()) {
        result.why = prefix.missing;
        return result;
      }
    }
  }
  std::optional<double> worst;
  if (gate.group == "*") {
    const std::string begin = group_metric(name, gate.grouping, "");
    const std::string_view open = std::string_view(begin).substr(0, begin.size() - 1);
    for (auto it = held->lower_bound(std::string(open)); it != held->end() && it->first.starts_with(open);
         ++it) {
      if (!worst || is_worse(it->second, *worst, gate)) {
        worst = it->second;
        result.group = it->first.substr(open.size(), it->first.size() - open.size() - 1);
      }
    }
  } else {
    const auto found =
        held->find(gate.grouping.empty() ? std::string(name) : group_metric(name, gate.grouping, gate.group));
    if (found != held->end()) {
      worst = found->second;
    }
  }
  const std::string asked =
      gate.grouping.empty() ? gate.metric : group_metric(gate.metric, gate.grouping, gate.group);
  if (!worst) {
    result.why = fmt::format("{} was not measured{}", asked, suggestion(name, *held));
  } else if (std::isnan(*worst)) {
    result.why =
        fmt::format("{} is not a number{}", asked, result.group.empty() ? "" : " in " + result.group);
  } else {
    result.value = worst;
    result.passed = compares(*worst, gate.comparison, gate.bound);
  }
  return result;
}

}  // namespace lore
