#include "lore/eval/suite_result.h"

#include <algorithm>
#include <cmath>

#include "lore/core/philox.h"

namespace lore {
namespace {

constexpr int kSamples = 1000;
constexpr double kConfidence = 0.95;
constexpr std::uint64_t kSeed = 42;

using Cases = std::vector<const SuiteCase*>;

Cases pointers(const std::vector<SuiteCase>& cases) {
  Cases all;
  all.reserve(cases.size());
  for (const SuiteCase& one : cases) {
    all.push_back(&one);
  }
  return all;
}

Comparison compare(const Suite& suite, const Cases& base, const Cases& adapted, bool compares) {
  if (!compares) {
    return {suite.metrics(base), {}, {}};
  }
  Comparison numbers{suite.metrics(adapted), suite.metrics(base), {}};
  numbers.delta = difference(numbers.metrics, numbers.base);
  return numbers;
}

using Samples = std::map<std::string, std::vector<double>>;

void add(Samples& samples, const Metrics& metrics) {
  for (const auto& [name, value] : metrics) {
    if (std::isfinite(value)) {
      samples[name].push_back(value);
    }
  }
}

std::map<std::string, Interval> intervals_of(Samples& samples) {
  std::map<std::string, Interval> intervals;
  for (auto& [name, values] : samples) {
    std::sort(values.begin(), values.end());
    const auto last = static_cast<double>(values.size() - 1);
    const auto at = [&](double share) { return values[static_cast<std::size_t>(std::lround(share * last))]; };
    intervals[name] = {at((1 - kConfidence) / 2), at((1 + kConfidence) / 2)};
  }
  return intervals;
}

void bootstrap(const Suite& suite, const Cases& base, const Cases& adapted, SuiteResult& result) {
  Samples of_metrics;
  Samples of_base;
  Samples of_delta;
  PhiloxStream random(kSeed, 0);
  Cases some_base(base.size());
  Cases some_adapted(adapted.size());
  for (int sample = 0; sample < kSamples; ++sample) {
    for (std::size_t i = 0; i < base.size(); ++i) {
      const std::size_t chosen = random.below(static_cast<std::uint32_t>(base.size()));
      some_base[i] = base[chosen];
      if (result.adapted) {
        some_adapted[i] = adapted[chosen];
      }
    }
    const Comparison numbers = compare(suite, some_base, some_adapted, result.adapted.has_value());
    add(of_metrics, numbers.metrics);
    add(of_base, numbers.base);
    add(of_delta, numbers.delta);
  }
  result.intervals = intervals_of(of_metrics);
  result.base_intervals = intervals_of(of_base);
  result.delta_intervals = intervals_of(of_delta);
}

}  // namespace

Metrics difference(const Metrics& metrics, const Metrics& base) {
  Metrics delta;
  for (const auto& [name, value] : metrics) {
    if (const auto found = base.find(name); found != base.end()) {
      delta[name] = value - found->second;
    }
  }
  return delta;
}

SuiteResult summarize(const Suite& suite, std::vector<SuiteCase> base,
                      std::optional<std::vector<SuiteCase>> adapted) {
  SuiteResult result;
  result.base = std::move(base);
  result.adapted = std::move(adapted);
  const Cases all_base = pointers(result.base);
  const Cases all_adapted = result.adapted ? pointers(*result.adapted) : Cases();
  const bool compares = result.adapted.has_value();
  result.numbers = compare(suite, all_base, all_adapted, compares);
  std::map<std::string, std::map<std::string, std::vector<std::size_t>>> groups;
  for (std::size_t i = 0; i < all_base.size(); ++i) {
    for (const auto& [grouping, group] : all_base[i]->groups) {
      groups[grouping][group].push_back(i);
    }
  }
  for (const auto& [grouping, members_of] : groups) {
    for (const auto& [group, members] : members_of) {
      Cases of_base;
      Cases of_adapted;
      for (const std::size_t i : members) {
        of_base.push_back(all_base[i]);
        if (compares) {
          of_adapted.push_back(all_adapted[i]);
        }
      }
      result.groups[grouping][group] = {members.size(), compare(suite, of_base, of_adapted, compares)};
    }
  }
  bootstrap(suite, all_base, all_adapted, result);
  result.tables = suite.tables(compares ? all_adapted : all_base);
  if (compares) {
    result.base_tables = suite.tables(all_base);
  }
  return result;
}

}  // namespace lore
