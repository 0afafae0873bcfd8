#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// Numbers by name; one that could not be measured is NaN or not there.
using Metrics = std::map<std::string, double>;

/// A condition on a metric, as in "delta.perplexity <= 0".
struct Gate {
  std::string text;        ///< as it was written
  std::string metric;      ///< "perplexity", "base.perplexity", "delta.perplexity", "delta.terms.recall.low"
  std::string comparison;  ///< >= | > | <= | < | ==
  double bound = 0;
};

/// What came of a gate.
struct GateResult {
  std::string gate;             ///< as it was written
  std::optional<double> value;  ///< nothing where the metric was not measured
  bool passed = false;
  std::string why;  ///< why a metric without a value fails, else empty
};

/// Reads "NAME OP NUMBER". "terms.recall.delta" is another way to write "delta.terms.recall". Throws: Error
/// kUsage that says what is wrong with it.
Gate parse_gate(std::string_view text);

/// A gate holds when its metric was measured and compares as asked; a metric that is missing or NaN fails.
/// `metrics` are the measured ones, `base` those of the base model, `delta` the former less the latter.
GateResult check_gate(const Gate& gate, const Metrics& metrics, const Metrics& base, const Metrics& delta);

}  // namespace lore
