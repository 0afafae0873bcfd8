#pragma once

#include <string>
#include <utility>
#include <vector>

namespace lore {

/// Loss (nats per token) over optimizer steps: pairs of step and loss.
struct LossCurves {
  std::vector<std::pair<double, double>> train;
  std::vector<std::pair<double, double>> validation;
};

/// The curves as a self-contained SVG image, readable on light and dark backgrounds.
std::string loss_plot_svg(const LossCurves& curves, const std::string& title);

}  // namespace lore
