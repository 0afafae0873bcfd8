#include "lore/eval/term_changes.h"

#include <algorithm>
#include <cmath>

namespace lore {
namespace {

/// Negative where `after` counts as worse than `before`, positive where it counts as better, else 0.
using Direction = int (*)(double before, double after);

int by_sign(double before, double after) { return (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0); }

int by_size(double before, double after) { return (after > before ? 1 : 0) - (after < before ? 1 : 0); }

TermChanges changes_of(const std::map<std::string, GroupResult>& terms, const std::string& metric,
                       Direction direction) {
  TermChanges changes{metric, {}, {}};
  for (const auto& [term, result] : terms) {
    const auto base = result.numbers.base.find(metric);
    const auto adapted = result.numbers.metrics.find(metric);
    if (base == result.numbers.base.end() || adapted == result.numbers.metrics.end()) {
      continue;
    }
    const int change = direction(base->second, adapted->second);
    if (change != 0) {
      (change > 0 ? changes.gained : changes.lost).push_back({term, base->second, adapted->second});
    }
  }
  const auto size = [](const TermChange& change) { return std::abs(change.adapted - change.base); };
  for (std::vector<TermChange>* list : {&changes.gained, &changes.lost}) {
    std::stable_sort(list->begin(), list->end(),
                     [&](const TermChange& a, const TermChange& b) { return size(a) > size(b); });
  }
  return changes;
}

}  // namespace

std::vector<TermChanges> term_changes(const SuiteResult& suite) {
  const auto terms = suite.groups.find("term");
  if (suite.kind != "terms" || terms == suite.groups.end()) {
    return {};
  }
  std::vector<TermChanges> all{changes_of(terms->second, "margin", by_sign),
                               changes_of(terms->second, "recall", by_size)};
  std::erase_if(all, [](const TermChanges& one) { return one.gained.empty() && one.lost.empty(); });
  return all;
}

}  // namespace lore
