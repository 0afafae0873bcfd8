#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lore/eval/suite.h"

namespace lore {

/// A confidence interval.
struct Interval {
  double low;
  double high;
};

/// A model's numbers beside the base's.
struct Comparison {
  Metrics metrics;  ///< of base + adapter, or of the base where there is none
  Metrics base;     ///< empty without adapter, as is `delta`
  Metrics delta;    ///< metrics less base
};

/// The cases that share a group.
struct GroupResult {
  std::size_t cases = 0;
  Comparison numbers;
};

/// What came of a suite.
struct SuiteResult {
  std::string name;
  std::string kind;
  std::string identity;  ///< hash of what was asked
  std::vector<SuiteCase> base;
  std::optional<std::vector<SuiteCase>> adapted;
  Comparison numbers;
  std::map<std::string, Interval> intervals;        ///< 95%, of `numbers.metrics`
  std::map<std::string, Interval> base_intervals;   ///< 95%, of `numbers.base`
  std::map<std::string, Interval> delta_intervals;  ///< 95%, of `numbers.delta`
  /// By grouping ("domain") and group ("risk-control").
  std::map<std::string, std::map<std::string, GroupResult>> groups;
  std::vector<SuiteTable> tables;       ///< of base + adapter, or of the base where there is none
  std::vector<SuiteTable> base_tables;  ///< empty without adapter
};

/// `metrics` less `base`, of the names that both have.
Metrics difference(const Metrics& metrics, const Metrics& base);

/// Metrics, groups, and confidence intervals by the percentile bootstrap over cases (Efron 1979): 1,000
/// samples of a fixed seed, each taken of both models alike.
/// REQUIRES as many cases in `adapted` as in `base`.
SuiteResult summarize(const Suite& suite, std::vector<SuiteCase> base,
                      std::optional<std::vector<SuiteCase>> adapted);

}  // namespace lore
