#include "lore/tasks/gated_numbers.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

namespace lore {
namespace {

void put_intervals(const std::string& suite, const std::map<std::string, Interval>& intervals,
                   Metrics& into) {
  for (const auto& [name, interval] : intervals) {
    into[fmt::format("{}.{}.low", suite, name)] = interval.low;
    into[fmt::format("{}.{}.high", suite, name)] = interval.high;
  }
}

void put_groups(const SuiteResult& suite, Metrics Comparison::*numbers, Metrics& into) {
  for (const auto& [grouping, groups] : suite.groups) {
    for (const auto& [group, result] : groups) {
      for (const auto& [name, value] : result.numbers.*numbers) {
        into[group_metric(fmt::format("{}.{}", suite.name, name), grouping, group)] = value;
      }
    }
  }
}

void put_file(const Metrics& metrics, const std::string& file, Metrics& into) {
  for (const auto& [name, value] : metrics) {
    into[group_metric(name, "file", file)] = value;
  }
}

/// What a file may be called.
std::vector<std::string> names_of(const SourceScore& source, const std::map<std::string, int>& same_name) {
  std::string name = std::filesystem::path(source.name).filename().string();
  return name == source.name || same_name.at(name) > 1 ? std::vector{source.name}
                                                       : std::vector{source.name, std::move(name)};
}

}  // namespace

GatedNumbers gated_numbers(const Evaluation& evaluation) {
  GatedNumbers numbers;
  numbers.metrics = evaluation.numbers.metrics;
  numbers.base = evaluation.numbers.base;
  numbers.delta = evaluation.numbers.delta;
  const BaselineComparison* baseline = evaluation.baseline ? &*evaluation.baseline : nullptr;
  if (baseline != nullptr) {
    numbers.baseline = baseline->metrics;
    numbers.vs_baseline = baseline->change;
  }
  for (const SuiteResult& suite : evaluation.suites) {
    put_intervals(suite.name, suite.intervals, numbers.metrics);
    put_intervals(suite.name, suite.base_intervals, numbers.base);
    put_intervals(suite.name, suite.delta_intervals, numbers.delta);
    put_groups(suite, &Comparison::metrics, numbers.metrics);
    put_groups(suite, &Comparison::base, numbers.base);
    put_groups(suite, &Comparison::delta, numbers.delta);
  }
  if (baseline != nullptr) {
    for (const SuiteResult& suite : baseline->suites) {
      put_intervals(suite.name, suite.base_intervals, numbers.baseline);
      put_intervals(suite.name, suite.delta_intervals, numbers.vs_baseline);
      put_groups(suite, &Comparison::base, numbers.baseline);
      put_groups(suite, &Comparison::delta, numbers.vs_baseline);
    }
  }
  std::map<std::string, int> same_name;
  for (const SourceScore& source : evaluation.sources) {
    ++same_name[std::filesystem::path(source.name).filename().string()];
  }
  for (const SourceScore& source : evaluation.sources) {
    const Metrics metrics = language_metrics(source.adapted ? *source.adapted : source.base);
    for (const std::string& name : names_of(source, same_name)) {
      put_file(metrics, name, numbers.metrics);
      if (source.adapted) {
        const Metrics base = language_metrics(source.base);
        put_file(base, name, numbers.base);
        put_file(difference(metrics, base), name, numbers.delta);
      }
      if (baseline != nullptr) {
        const Metrics& before = baseline->files.at(source.name);
        put_file(before, name, numbers.baseline);
        put_file(difference(metrics, before), name, numbers.vs_baseline);
      }
    }
  }
  return numbers;
}

}  // namespace lore
