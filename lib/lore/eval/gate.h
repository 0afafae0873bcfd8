#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// Numbers by name; one that could not be measured is NaN or not there.
using Metrics = std::map<std::string, double>;

/// What gates are held against.
struct GatedNumbers {
  Metrics metrics;
  Metrics base;         ///< of the base alone; empty without an adapter, as is `delta`
  Metrics delta;        ///< metrics less base
  Metrics baseline;     ///< of an earlier report; empty without one, as is `vs_baseline`
  Metrics vs_baseline;  ///< metrics less baseline
};

/// A condition on a metric, as in "delta.perplexity <= 0" or "terms.recall[domain=risk-control] >= 0.7".
struct Gate {
  std::string text;        ///< as it was written
  std::string metric;      ///< "perplexity", "base.perplexity", "delta.terms.recall.low"
  std::string grouping;    ///< "domain", or empty for all cases together
  std::string group;       ///< "risk-control", or "*" for each group
  std::string comparison;  ///< >= | > | <= | < | ==
  double bound = 0;
};

/// What came of a gate.
struct GateResult {
  std::string gate;             ///< as it was written
  std::optional<double> value;  ///< nothing where the metric was not measured
  bool passed = false;
  std::string why;    ///< why a metric without a value fails, else empty
  std::string group;  ///< of a gate on each group: the one that did worst
};

/// The name that a metric of one group has among the metrics: "terms.recall[domain=risk-control]".
std::string group_metric(std::string_view metric, std::string_view grouping, std::string_view group);

/// Reads "NAME OP NUMBER", NAME being
/// [base.|delta.|baseline.|vs_baseline.]METRIC[.low|.high][[GROUPING=GROUP]]. "terms.recall.delta" is another
/// way to write "delta.terms.recall". Throws: Error kUsage that says what is wrong with it.
Gate parse_gate(std::string_view text);

/// A gate holds when its metric was measured and compares as asked; a metric that is missing or NaN fails.
/// One on each group holds when every group's metric does.
GateResult check_gate(const Gate& gate, const GatedNumbers& numbers);

}  // namespace lore
