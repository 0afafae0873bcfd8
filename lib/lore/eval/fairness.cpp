#include "lore/eval/fairness.h"

#include <algorithm>
#include <vector>

namespace lore {
namespace {

/// The lowest and the highest share over the groups that have one.
struct Spread {
  double lowest;
  double highest;
};

std::optional<Spread> spread(std::span<const GroupOutcomes> groups, double GroupOutcomes::*part,
                             double GroupOutcomes::*whole) {
  std::vector<double> shares;
  for (const GroupOutcomes& group : groups) {
    if (group.*whole > 0) {
      shares.push_back(group.*part / group.*whole);
    }
  }
  if (shares.size() < 2) {
    return {};
  }
  const auto [lowest, highest] = std::minmax_element(shares.begin(), shares.end());
  return Spread{*lowest, *highest};
}

}  // namespace

std::optional<double> disparate_impact(std::span<const GroupOutcomes> groups) {
  const auto favored = spread(groups, &GroupOutcomes::favored, &GroupOutcomes::cases);
  if (!favored || favored->highest == 0) {
    return {};
  }
  return favored->lowest / favored->highest;
}

std::optional<double> equal_opportunity_gap(std::span<const GroupOutcomes> groups) {
  const auto found = spread(groups, &GroupOutcomes::deserving_favored, &GroupOutcomes::deserving);
  if (!found) {
    return {};
  }
  return found->highest - found->lowest;
}

}  // namespace lore
