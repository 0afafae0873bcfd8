#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lore {

/// A number for each kind of module and layer.
struct HeatMap {
  struct Row {
    std::string name;                          ///< "q_proj"
    std::vector<std::optional<double>> cells;  ///< by layer; nothing where there is no such module
  };
  std::string title;  ///< what the numbers are
  std::vector<Row> rows;

  /// The largest finite number; 0 where there is none.
  double largest() const;
};

/// The map for a terminal `width` columns wide: a digit a cell, 9 for what comes near the largest number and
/// 0 for less than a tenth of it, `.` where there is no module and `!` for what is no finite number; with
/// `colour` on a coloured ground.
std::string heat_map_text(const HeatMap& map, bool colour, std::size_t width);

/// The map as an SVG picture; each cell tells its number when pointed at.
std::string heat_map_svg(const HeatMap& map);

}  // namespace lore
