#include "lore/eval/case_values.h"

namespace lore {

std::map<std::string, ValueSum> sum_values(std::span<const SuiteCase* const> cases) {
  std::map<std::string, ValueSum> sums;
  for (const SuiteCase* one : cases) {
    // Both maps are in the order of names: a value's place is close behind that of the one before.
    auto place = sums.begin();
    for (const auto& [name, value] : one->values) {
      while (place != sums.end() && place->first < name) {
        ++place;
      }
      if (place == sums.end() || place->first != name) {
        place = sums.emplace_hint(place, name, ValueSum());
      }
      place->second.sum += value;
      ++place->second.count;
    }
  }
  return sums;
}

Metrics mean_values(std::span<const SuiteCase* const> cases) {
  Metrics means;
  for (const auto& [name, total] : sum_values(cases)) {
    means[name] = total.sum / total.count;
  }
  return means;
}

}  // namespace lore
