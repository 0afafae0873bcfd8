#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lore/tasks/evaluation.h"

namespace lore {

struct Questions;

/// What an earlier report.json says of the model that is deployed now.
struct Baseline {
  /// What it says of a suite.
  struct Suite {
    std::string identity;
    std::vector<SuiteCase> cases;  ///< without their details
  };

  std::string report;                    ///< path, for messages
  std::string model;                     ///< the adapter's name, or the base's where there was none
  Metrics metrics;                       ///< of all sources together
  std::map<std::string, Metrics> files;  ///< by identity
  std::map<std::string, Suite> suites;
};

/// Reads a report.json of `lore evaluate`. Throws: Error kInput for a file that is none.
Baseline read_baseline(const std::filesystem::path& path);

/// Throws: Error kRefused, naming every source and suite that the baseline was not asked as it would be now.
void check_same_questions(const Baseline& baseline, const Questions& questions);

/// The numbers of `evaluation` beside those of the baseline, with intervals.
/// REQUIRES that `check_same_questions` holds. Throws: Error kInput for a report that was changed since.
BaselineComparison compare_with_baseline(const Baseline& baseline, const Evaluation& evaluation,
                                         const Questions& questions);

}  // namespace lore
