#pragma once

#include <span>

#include "lore/eval/suite.h"

namespace lore {

/// The sum of each of the cases' counts.
Metrics sum_counts(std::span<const SuiteCase* const> cases);

/// The mean of each value over the cases that have it.
Metrics mean_values(std::span<const SuiteCase* const> cases);

}  // namespace lore
