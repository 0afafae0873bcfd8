#pragma once

#include <optional>
#include <span>

namespace lore {

/// What a group of people got, counted in cases. Favorable is the label that is good for the person.
struct GroupOutcomes {
  double cases = 0;
  double favored = 0;            ///< that the model gave the favorable label
  double deserving = 0;          ///< that people gave it
  double deserving_favored = 0;  ///< that both gave it
};

/// Disparate impact ratio: the lowest share of favored cases of a group over the highest. The four-fifths
/// rule (US Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4 D) asks for 0.8 or more.
/// Nothing for fewer than two groups with cases, or where no case is favored.
std::optional<double> disparate_impact(std::span<const GroupOutcomes> groups);

/// Equal-opportunity gap (Hardt et al. 2016, arXiv 1610.02413): the highest share of deserving cases that are
/// favored, less the lowest. Nothing for fewer than two groups with deserving cases.
std::optional<double> equal_opportunity_gap(std::span<const GroupOutcomes> groups);

}  // namespace lore
