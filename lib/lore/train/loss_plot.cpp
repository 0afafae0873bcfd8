#include "lore/train/loss_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lore/data/visible_text.h"

namespace lore {
namespace {

constexpr double kWidth = 720;
constexpr double kHeight = 400;
constexpr double kLeft = 60;
constexpr double kRight = 20;
constexpr double kTop = 40;
constexpr double kBottom = 50;

/// A round distance between about `count` ticks over `range`: 1, 2 or 5 times a power of ten.
double tick_distance(double range, double count) {
  const double rough = std::max(range, 1e-9) / count;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (rough <= factor * power) {
      return factor * power;
    }
  }
  return 10.0 * power;
}

/// Maps data to the plot's pixels.
struct Frame {
  double x_max = 1;
  double y_min = 0;
  double y_max = 1;

  double x(double step) const { return kLeft + step / x_max * (kWidth - kLeft - kRight); }
  double y(double loss) const {
    return kHeight - kBottom - (loss - y_min) / (y_max - y_min) * (kHeight - kTop - kBottom);
  }
};

Frame frame_of(const LossCurves& curves) {
  Frame frame;
  bool first = true;
  for (const auto* curve : {&curves.train, &curves.validation}) {
    for (const auto& [step, loss] : *curve) {
      frame.x_max = std::max(frame.x_max, step);
      frame.y_min = first ? loss : std::min(frame.y_min, loss);
      frame.y_max = first ? loss : std::max(frame.y_max, loss);
      first = false;
    }
  }
  const double margin = std::max((frame.y_max - frame.y_min) * 0.05, 1e-3);
  frame.y_min -= margin;
  frame.y_max += margin;
  return frame;
}

std::string axes(const Frame& frame) {
  std::string svg;
  const double dy = tick_distance(frame.y_max - frame.y_min, 6);
  for (double loss = std::ceil(frame.y_min / dy) * dy; loss <= frame.y_max; loss += dy) {
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
        "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.4g}</text>\n",
        kLeft, kWidth - kRight, frame.y(loss), kLeft - 8, frame.y(loss) + 4, loss);
  }
  const double dx = std::max(1.0, tick_distance(frame.x_max, 8));
  for (double step = 0; step <= frame.x_max; step += dx) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:g}</text>\n", frame.x(step),
                       kHeight - kBottom + 20, step);
  }
  svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">optimizer step</text>\n",
                     (kLeft + kWidth - kRight) / 2, kHeight - 10);
  return svg;
}

std::string polyline(const Frame& frame, const std::vector<std::pair<double, double>>& curve,
                     const char* name) {
  if (curve.empty()) {
    return "";
  }
  std::string points;
  for (const auto& [step, loss] : curve) {
    points += fmt::format("{:.1f},{:.1f} ", frame.x(step), frame.y(loss));
  }
  return fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", name, points);
}

std::string legend(const LossCurves& curves) {
  std::string svg;
  double x = kWidth - kRight - 240;
  for (const auto& [curve, name] :
       {std::pair{&curves.train, "train"}, std::pair{&curves.validation, "validation"}}) {
    if (!curve->empty()) {
      svg += fmt::format(
          "<line class=\"{0}\" x1=\"{1}\" x2=\"{2}\" y1=\"24\" y2=\"24\"/><text x=\"{3}\" y=\"28\">{0} "
          "loss</text>\n",
          name, x, x + 24, x + 30);
    }
    x += 110;
  }
  return svg;
}

}  // namespace

std::string loss_plot_svg(const LossCurves& curves, const std::string& title) {
  LossCurves finite;
  for (const auto& [from, to] :
       {std::pair{&curves.train, &finite.train}, std::pair{&curves.validation, &finite.validation}}) {
    std::copy_if(from->begin(), from->end(), std::back_inserter(*to),
                 [](const auto& point) { return std::isfinite(point.second); });
  }
  const Frame frame = frame_of(finite);
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
             "height=\"{1}\">\n"
             "<style>text{{font:12px sans-serif;fill:#777}} .grid{{stroke:#8884;stroke-width:1}} "
             "polyline{{fill:none}} .train{{stroke:#4c8bf5;stroke-width:1.5}} "
             ".validation{{stroke:#e8710a;stroke-width:2.5}}</style>\n"
             "<text x=\"{2}\" y=\"28\">{3}</text>\n",
             kWidth, kHeight, kLeft, html_text(title)) +
         legend(finite) + axes(frame) + polyline(frame, finite.train, "train") +
         polyline(frame, finite.validation, "validation") + "</svg>\n";
}

}  // namespace lore
