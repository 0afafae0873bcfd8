#include "lore/tasks/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lore/data/visible_text.h"

namespace lore {
namespace {

/// Dark violet to yellow, in the 256 colours of terminals and as red, green, blue: both by growing lightness,
/// so that the order is seen without colour too.
constexpr std::array<int, 10> kTerminalRamp{53, 54, 60, 24, 30, 36, 41, 77, 148, 226};
constexpr std::array<std::array<int, 3>, 6> kRamp{
    {{68, 1, 84}, {65, 68, 135}, {42, 120, 142}, {34, 168, 132}, {122, 209, 81}, {253, 231, 37}}};
/// From this digit on the ground is light.
constexpr int kLightDigit = 6;

constexpr int kCell = 18;
constexpr int kGap = 1;
constexpr int kLeft = 110;
constexpr int kTop = 56;

std::size_t columns_of(const HeatMap& map) {
  std::size_t columns = 0;
  for (const HeatMap::Row& row : map.rows) {
    columns = std::max(columns, row.cells.size());
  }
  return columns;
}

std::optional<double> cell_at(const HeatMap::Row& row, std::size_t column) {
  return column < row.cells.size() ? row.cells[column] : std::nullopt;
}

double share_of(double value, double largest) {
  return largest > 0 ? std::clamp(value / largest, 0.0, 1.0) : 0;
}

int digit_of(double value, double largest) {
  return std::min(9, static_cast<int>(share_of(value, largest) * 10));
}

std::string cell_text(const std::optional<double>& value, double largest, bool colour, bool wide) {
  const std::string space = wide ? " " : "";
  if (!value) {
    return space + ".";
  }
  if (!std::isfinite(*value)) {
    return space + "!";
  }
  const int digit = digit_of(*value, largest);
  if (!colour) {
    return fmt::format("{}{}", space, digit);
  }
  return fmt::format("\x1b[48;5;{};38;5;{}m{}{}\x1b[0m", kTerminalRamp[static_cast<std::size_t>(digit)],
                     digit < kLightDigit ? 15 : 16, space, digit);
}

/// Numbers of layers over every fifth column.
std::string ruler(std::size_t first, std::size_t end, std::size_t cell_width) {
  constexpr std::size_t kStep = 5;
  std::string line;
  for (std::size_t column = first; column < end; ++column) {
    const std::size_t at = (column - first) * cell_width + cell_width - 1;
    if (column % kStep == 0 && line.size() <= at) {
      line.resize(at, ' ');
      line += std::to_string(column);
    }
  }
  return line;
}

std::string svg_colour(double share) {
  const double place = share * (static_cast<double>(kRamp.size()) - 1);
  const std::size_t low = std::min(static_cast<std::size_t>(place), kRamp.size() - 2);
  const double part = place - static_cast<double>(low);
  std::string text = "#";
  for (std::size_t i = 0; i < 3; ++i) {
    text += fmt::format("{:02x}",
                        static_cast<int>(std::lround(kRamp[low][i] * (1 - part) + kRamp[low + 1][i] * part)));
  }
  return text;
}

/// A row that holds one module alone needs no number of a layer.
std::string cell_name(const HeatMap::Row& row, std::size_t column) {
  return row.cells.size() == 1 ? row.name : fmt::format("layer {} {}", column, row.name);
}

std::string svg_cells(const HeatMap& map) {
  const double largest = map.largest();
  std::string svg;
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const HeatMap::Row& row = map.rows[r];
    const int y = kTop + static_cast<int>(r) * kCell;
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", kLeft - 8, y + 13,
                       html_text(visible_name(row.name)));
    for (std::size_t column = 0; column < row.cells.size(); ++column) {
      const std::optional<double> value = row.cells[column];
      if (!value) {
        continue;
      }
      const bool finite = std::isfinite(*value);
      svg += fmt::format(
          "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"><title>{}: {:.4g}</title></rect>\n",
          kLeft + static_cast<int>(column) * kCell, y, kCell - kGap, kCell - kGap,
          finite ? svg_colour(share_of(*value, largest)) : "#e00",
          html_text(visible_name(cell_name(row, column))), *value);
    }
  }
  return svg;
}

}  // namespace

double HeatMap::largest() const {
  double most = 0;
  for (const Row& row : rows) {
    for (const std::optional<double>& value : row.cells) {
      if (value && std::isfinite(*value)) {
        most = std::max(most, *value);
      }
    }
  }
  return most;
}

std::string heat_map_text(const HeatMap& map, bool colour, std::size_t width) {
  const std::size_t columns = columns_of(map);
  const double largest = map.largest();
  std::size_t label = 0;
  for (const HeatMap::Row& row : map.rows) {
    label = std::max(label, display_width(visible_name(row.name)));
  }
  const std::size_t room = std::max<std::size_t>(10, width > label + 1 ? width - label - 1 : 0);
  const bool wide = columns * 2 <= room;
  const std::size_t cell_width = wide ? 2 : 1;
  const std::size_t at_once = room / cell_width;
  std::string text = fmt::format("{}, from 0 to {:.4g} (9)\n", map.title, largest);
  for (std::size_t first = 0; first < columns; first += at_once) {
    const std::size_t end = std::min(columns, first + at_once);
    if (columns > 1) {
      text += pad_right("layer", label) + " " + ruler(first, end, cell_width) + "\n";
    }
    for (const HeatMap::Row& row : map.rows) {
      if (first >= row.cells.size()) {
        continue;
      }
      text += pad_right(visible_name(row.name), label) + " ";
      for (std::size_t column = first; column < std::min(end, row.cells.size()); ++column) {
        text += cell_text(cell_at(row, column), largest, colour, wide);
      }
      text += '\n';
    }
  }
  return text;
}

std::string heat_map_svg(const HeatMap& map) {
  constexpr int kLegendWidth = 180;
  const std::size_t columns = columns_of(map);
  const int width = std::max(kLeft + static_cast<int>(columns) * kCell + 20, 560);
  const int bottom = kTop + static_cast<int>(map.rows.size()) * kCell;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">\n"
      "<style>text{{font:12px sans-serif;fill:#777}}</style>\n<defs><linearGradient id=\"ramp\">",
      width, bottom + 52);
  for (std::size_t i = 0; i < kRamp.size(); ++i) {
    const double share = static_cast<double>(i) / (static_cast<double>(kRamp.size()) - 1);
    svg += fmt::format("<stop offset=\"{:.2f}\" stop-color=\"{}\"/>", share, svg_colour(share));
  }
  svg += fmt::format("</linearGradient></defs>\n<text x=\"{}\" y=\"20\">{}</text>\n", kLeft,
                     html_text(map.title));
  for (std::size_t column = 0; columns > 1 && column < columns; column += 5) {
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                       kLeft + static_cast<int>(column) * kCell + kCell / 2, kTop - 8, column);
  }
  svg += svg_cells(map);
  svg += fmt::format(
      "<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"10\" fill=\"url(#ramp)\"/>\n"
      "<text x=\"{3}\" y=\"{4}\" text-anchor=\"end\">0</text><text x=\"{5}\" "
      "y=\"{4}\">{6:.4g}</text>\n</svg>\n",
      kLeft, bottom + 22, kLegendWidth, kLeft - 8, bottom + 32, kLeft + kLegendWidth + 8, map.largest());
  return svg;
}

}  // namespace lore
