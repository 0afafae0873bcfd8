#include "lore/tasks/evaluation_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lore/data/visible_text.h"

namespace lore {
namespace {

constexpr double kWidth = 720;
constexpr double kLeft = 190;
constexpr double kRight = 540;  // numbers stand to the right of it
constexpr std::size_t kNameWidth = 28;

/// Maps numbers to the width of the plot.
struct Axis {
  double low;
  double high;

  double x(double value) const { return kLeft + (value - low) / (high - low) * (kRight - kLeft); }
};

Axis axis_of(std::vector<double> values, bool from_zero) {
  if (from_zero) {
    values.push_back(0);
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (*low >= 0 && *high <= 1) {
    return {0, 1};
  }
  const double room = *high > *low ? (*high - *low) * 0.08 : std::max(std::abs(*high) * 0.1, 1e-9);
  return {from_zero && *low >= 0 ? 0 : *low - room, from_zero && *high <= 0 ? 0 : *high + room};
}

std::vector<PlottedNumber> finite(std::span<const PlottedNumber> numbers) {
  std::vector<PlottedNumber> kept;
  for (const PlottedNumber& number : numbers) {
    if (std::isfinite(number.value)) {
      kept.push_back(number);
      if (number.base && !std::isfinite(*number.base)) {
        kept.back().base.reset();
      }
    }
  }
  return kept;
}

std::string name_at(const std::string& name, double y) {
  return fmt::format("<text class=\"name\" x=\"0\" y=\"{:.1f}\">{}<title>{}</title></text>", y,
                     html_text(cut_left(visible_name(name), kNameWidth)), html_text(name));
}

std::string numbers_at(const PlottedNumber& number, double y) {
  const std::string text = number.base ? fmt::format("{:.4g} → {:.4g}", *number.base, number.value)
                                       : fmt::format("{:.4g}", number.value);
  return fmt::format("<text class=\"number\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", kWidth, y,
                     text);
}

std::string interval_text(const std::optional<Interval>& interval) {
  return interval ? fmt::format(" (95%: {:.4g} to {:.4g})", interval->low, interval->high) : "";
}

std::string whisker(const Axis& axis, const std::optional<Interval>& interval, double y, const char* model) {
  return interval ? fmt::format(
                        "<line class=\"{0}\" x1=\"{1:.1f}\" x2=\"{2:.1f}\" y1=\"{3:.1f}\" y2=\"{3:.1f}\"/>",
                        model, axis.x(interval->low), axis.x(interval->high), y)
                  : "";
}

std::string dot(const Axis& axis, double value, const std::optional<Interval>& interval, double y,
                const char* model) {
  return whisker(axis, interval, y, model) +
         fmt::format(
             "<circle class=\"{0}\" cx=\"{1:.1f}\" cy=\"{2:.1f}\" r=\"4.5\"><title>{0}: {3:.6g}{4}</title>"
             "</circle>",
             model, axis.x(value), y, value, interval_text(interval));
}

std::string bar(const Axis& axis, double value, double y, const char* model) {
  const double from = std::min(axis.x(0), axis.x(value));
  return fmt::format(
      "<rect class=\"{0}\" x=\"{1:.1f}\" y=\"{2:.1f}\" width=\"{3:.1f}\" height=\"8\"><title>{0}: {4:.6g}"
      "</title></rect>",
      model, from, y, std::max(1.0, std::abs(axis.x(value) - axis.x(0))), value);
}

std::string svg(double height, const std::string& label, const std::string& content) {
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}</svg>\n", kWidth, height,
                     label, content);
}

}  // namespace

std::string numbers_plot(std::span<const PlottedNumber> numbers) {
  constexpr double kRow = 36;
  const std::vector<PlottedNumber> shown = finite(numbers);
  std::string content;
  double y = kRow / 2;
  for (const PlottedNumber& number : shown) {
    std::vector<double> values{number.value};
    if (number.base) {
      values.push_back(*number.base);
    }
    for (const auto& interval : {number.interval, number.base_interval}) {
      if (interval) {
        values.insert(values.end(), {interval->low, interval->high});
      }
    }
    const Axis axis = axis_of(values, /*from_zero=*/false);
    content += name_at(number.name, y + 4);
    content += fmt::format("<line class=\"axis\" x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\"/>", kLeft,
                           kRight, y + 10);
    content += fmt::format(
        "<text class=\"tick\" x=\"{}\" y=\"{}\">{:.3g}</text><text class=\"tick\" x=\"{}\" y=\"{}\" "
        "text-anchor=\"end\">{:.3g}</text>",
        kLeft, y + 20, axis.low, kRight, y + 20, axis.high);
    if (number.base) {
      content += dot(axis, *number.base, number.base_interval, y - 4, "base");
      content += dot(axis, number.value, number.interval, y + 4, "adapter");
    } else {
      content += dot(axis, number.value, number.interval, y, "adapter");
    }
    content += numbers_at(number, y + 4) + "\n";
    y += kRow;
  }
  return shown.empty() ? "" : svg(kRow * static_cast<double>(shown.size()) + 6, "metrics", content);
}

std::string groups_plot(std::span<const PlottedNumber> groups) {
  constexpr double kRow = 26;
  const std::vector<PlottedNumber> shown = finite(groups);
  if (shown.empty()) {
    return "";
  }
  std::vector<double> values;
  for (const PlottedNumber& group : shown) {
    values.push_back(group.value);
    values.push_back(group.base.value_or(group.value));
  }
  const Axis axis = axis_of(values, /*from_zero=*/true);
  const double height = kRow * static_cast<double>(shown.size()) + 16;
  std::string content;
  double y = 2;
  for (const PlottedNumber& group : shown) {
    content += name_at(group.name, y + 13);
    if (group.base) {
      content += bar(axis, *group.base, y, "base");
      content += bar(axis, group.value, y + 9, "adapter");
    } else {
      content += bar(axis, group.value, y + 5, "adapter");
    }
    content += numbers_at(group, y + 13) + "\n";
    y += kRow;
  }
  content += fmt::format("<line class=\"axis\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"0\" y2=\"{1}\"/>",
                         axis.x(0), height - 16);
  content += fmt::format(
      "<text class=\"tick\" x=\"{}\" y=\"{}\">{:.3g}</text><text class=\"tick\" x=\"{}\" y=\"{}\" "
      "text-anchor=\"end\">{:.3g}</text>",
      kLeft, height - 3, axis.low, kRight, height - 3, axis.high);
  return svg(height, "groups", content);
}

}  // namespace lore
