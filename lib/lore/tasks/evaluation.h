#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lore/eval/gate.h"
#include "lore/eval/language_score.h"
#include "lore/eval/suite_result.h"

namespace lore {

/// How one source was scored.
struct SourceScore {
  std::string name;      ///< as it was asked for
  std::string identity;  ///< hash of what was scored
  bool is_text = false;
  LanguageScore base;
  std::optional<LanguageScore> adapted;  ///< with the adapter
};

/// What was measured beside what an earlier report says of the same questions.
struct BaselineComparison {
  std::string model;                                 ///< what the report is of
  Metrics metrics;                                   ///< the report's, as in `Evaluation::numbers`
  Metrics change;                                    ///< metrics measured now less these
  std::map<std::string, Interval> change_intervals;  ///< 95%, of the changes that suites measured
  std::map<std::string, Metrics> files;              ///< the report's, by the name of the source now
  std::vector<SuiteResult> suites;  ///< the report's as base, what was measured now as adapted
};

/// What came of it.
struct Evaluation {
  std::string base_name;
  std::string adapter_name;  ///< empty without adapter
  std::string dtype;
  std::int64_t max_length = 0;
  std::int64_t stride = 0;
  std::vector<SourceScore> sources;
  std::vector<SuiteResult> suites;
  Comparison numbers;  ///< of all sources together, and of each suite as NAME.METRIC
  std::optional<BaselineComparison> baseline;
  std::vector<GateResult> gates;
  std::int64_t tokens = 0;  ///< that went through a model, context included
  double seconds = 0;       ///< that these took
  std::size_t reused = 0;   ///< results of the base that were kept from an earlier run

  bool passed() const;
};

/// The metrics of a score by name: loss, perplexity, byte_perplexity, word_perplexity.
Metrics language_metrics(const LanguageScore& score);

/// The numbers of all sources together and of each suite, as NAME.METRIC; beside the base's where there is an
/// adapter.
Comparison all_numbers(const std::vector<SourceScore>& sources, const std::vector<SuiteResult>& suites);

}  // namespace lore
