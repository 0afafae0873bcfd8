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

/// "terms.recall.delta" and "terms.recall.delta.low" as "delta.terms.recall" and "delta.terms.recall.low".
std::string with_prefix(std::string name) {
  std::string bound;
  for (const std::string ending : {".low", ".high"}) {
    if (name.ends_with(ending)) {
      bound = ending;
      name.resize(name.size() - ending.size());
    }
  }
  for (const std::string ending : {".base", ".delta"}) {
    if (name.ends_with(ending)) {
      name.resize(name.size() - ending.size());
      return ending.substr(1) + "." + name + bound;
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

}  // namespace

Gate parse_gate(std::string_view text) {
  const std::size_t place = text.find_first_of("<>=");
  if (place == std::string_view::npos) {
    refuse(text, "has no comparison");
  }
  Gate gate;
  gate.text = trim(text);
  gate.metric = trim(text.substr(0, place));
  for (const std::string_view comparison : kComparisons) {
    if (gate.comparison.empty() && text.substr(place).starts_with(comparison)) {
      gate.comparison = comparison;
    }
  }
  if (gate.comparison.empty()) {
    refuse(text, "has no comparison");
  }
  if (gate.metric.empty() || gate.metric.find_first_not_of(kNameCharacters) != std::string::npos) {
    refuse(text, "does not begin with the name of a metric");
  }
  gate.metric = with_prefix(gate.metric);
  const std::string_view number = trim(text.substr(place + gate.comparison.size()));
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), gate.bound);
  if (error != std::errc() || end != number.data() + number.size() || !std::isfinite(gate.bound)) {
    refuse(text, "does not end with a number");
  }
  return gate;
}

GateResult check_gate(const Gate& gate, const Metrics& metrics, const Metrics& base, const Metrics& delta) {
  constexpr std::string_view kBase = "base.";
  constexpr std::string_view kDelta = "delta.";
  const Metrics* group = &metrics;
  std::string_view name = gate.metric;
  if (name.starts_with(kBase)) {
    group = &base;
    name.remove_prefix(kBase.size());
  } else if (name.starts_with(kDelta)) {
    group = &delta;
    name.remove_prefix(kDelta.size());
  }
  GateResult result{gate.text, std::nullopt, false, ""};
  const auto found = group->find(std::string(name));
  if (found == group->end()) {
    std::vector<std::string> names;
    names.reserve(group->size());
    for (const auto& [known, value] : *group) {
      names.push_back(known);
    }
    result.why = group->empty() && group != &metrics
                     ? "no base was measured beside an adapter"
                     : fmt::format("{} was not measured{}", gate.metric, did_you_mean(name, names));
    return result;
  }
  if (std::isnan(found->second)) {
    result.why = fmt::format("{} is not a number", gate.metric);
    return result;
  }
  result.value = found->second;
  result.passed = compares(found->second, gate.comparison, gate.bound);
  return result;
}

}  // namespace lore
