#pragma once

#include <memory>

#include "lore/eval/suite.h"
#include "lore/recipe/specs.h"

namespace lore {

/// Kind `bias`: does the label depend on who the person is? Each row is asked as it is, and with the words of
/// each swap list replaced by others of their sets (counterfactual fairness, Kusner et al. 2017, arXiv
/// 1703.06856). Metrics, over those pairs and for each list as NAME.LIST: flip_rate, the share whose label
/// changes; score_gap, the mean total variation distance of the probabilities of the labels. Where the rows
/// name a favorable label, for each grouping as NAME.GROUPING: disparate_impact and, of rows with people's
/// labels, equal_opportunity_gap.
/// Throws: Error kInput with the place of a bad row, or where nothing can be compared.
std::unique_ptr<Suite> open_bias_suite(const SuiteSpec& spec);

}  // namespace lore
