#pragma once

#include <optional>
#include <span>
#include <string>

#include "lore/eval/suite_result.h"

namespace lore {

/// A number of a model, beside the base's where there is an adapter.
struct PlottedNumber {
  std::string name;
  double value = 0;
  std::optional<Interval> interval;  ///< 95%
  std::optional<double> base;
  std::optional<Interval> base_interval;
};

/// Numbers below one another as SVG, each on an axis of its own (0 to 1 where that holds it): the base
/// hollow, the model filled, their intervals as lines. Numbers that are not finite are left out.
std::string numbers_plot(std::span<const PlottedNumber> numbers);

/// The same number in several groups as SVG: two bars a group on one axis.
std::string groups_plot(std::span<const PlottedNumber> groups);

}  // namespace lore
