#include "lore/eval/case_values.h"

namespace lore {
namespace {

/// Calls `add(sum, value)` with what stands under the name of each value of a case's `numbers`.
template <typename Sum, typename Add>
std::map<std::string, Sum> gather(std::span<const SuiteCase* const> cases, Metrics SuiteCase::*numbers,
                                  const Add& add) {
  std::map<std::string, Sum> sums;
  for (const SuiteCase* one : cases) {
    // Both maps are in the order of names: a value's place is close behind that of the one before.
    auto place = sums.begin();
    for (const auto& [name, value] : one->*numbers) {
      while (place != sums.end() && place->first < name) {
        ++place;
      }
      if (place == sums.end() || place->first != name) {
        place = sums.emplace_hint(place, name, Sum());
      }
      add(place->second, value);
    }
  }
  return sums;
}

struct Mean {
  double sum = 0;
  double count = 0;
};

}  // namespace

Metrics sum_counts(std::span<const SuiteCase* const> cases) {
  return gather<double>(cases, &SuiteCase::counts, [](double& sum, double value) { sum += value; });
}

Metrics mean_values(std::span<const SuiteCase* const> cases) {
  Metrics means;
  for (const auto& [name, total] : gather<Mean>(cases, &SuiteCase::values, [](Mean&mean, double value) {
         mean.sum += value;
         ++mean.count;
       })) {
    means[name] = total.sum / total.count;
  }
  return means;
}

}  // namespace lore
