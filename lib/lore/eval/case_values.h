#pragma once

#include <span>

#include "lore/eval/suite.h"

namespace lore {

/// The sum of each value over the cases that have it, and how many have it.
struct ValueSum {
  double sum = 0;
  double count = 0;
};
std::map<std::string, ValueSum> sum_values(std::span<const SuiteCase* const> cases);

/// The mean of each value over the cases that have it.
Metrics mean_values(std::span<const SuiteCase* const> cases);

}  // namespace lore
