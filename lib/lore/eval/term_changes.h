#pragma once

#include <string>
#include <vector>

#include "lore/eval/suite_result.h"

namespace lore {

/// A term's number, base and adapter.
struct TermChange {
  std::string term;
  double base;
  double adapted;
};

/// The terms that a model gained and lost by a metric.
struct TermChanges {
  std::string metric;  ///< "margin" or "recall"
  std::vector<TermChange> gained;
  std::vector<TermChange> lost;
};

/// What an adapter changed, term by term, the largest change first. By `margin` a term is gained where the
/// right form now beats every forbidden one, and lost where it no longer does; by `recall` where more or
/// fewer answers have it. Nothing for a suite without terms or of one model.
std::vector<TermChanges> term_changes(const SuiteResult& suite);

}  // namespace lore
