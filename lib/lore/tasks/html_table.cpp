#include "lore/tasks/html_table.h"

#include <fmt/format.h>

#include <cmath>

#include "lore/data/visible_text.h"

namespace lore {

HtmlCell text_cell(std::string_view text) { return {html_text(text)}; }

HtmlCell number_cell(double value) { return {number_text(value), value}; }

HtmlCell change_cell(double value) {
  return {std::isfinite(value) ? fmt::format("{:+.4g}", value) : number_text(value), value};
}

HtmlCell compared_cell(std::optional<double> base, double value) {
  return base ? HtmlCell{fmt::format("{} → {}", number_text(*base), number_text(value)), value - *base}
              : number_cell(value);
}

std::string number_text(double value) {
  if (!std::isfinite(value)) {
    return "–";
  }
  const bool is_count = value == std::floor(value) && std::abs(value) < 1e9;
  return is_count ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value);
}

std::string html_table(const std::vector<std::string>& headings,
                       const std::vector<std::vector<HtmlCell>>& rows) {
  std::string html = "<div class=\"wide\"><table>\n<thead><tr>";
  for (const std::string& heading : headings) {
    html += fmt::format("<th>{}</th>", html_text(heading));
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const std::vector<HtmlCell>& row : rows) {
    html += "<tr>";
    for (const HtmlCell& cell : row) {
      html += cell.value && std::isfinite(*cell.value)
                  ? fmt::format("<td data-value=\"{}\">{}</td>", *cell.value, cell.html)
                  : fmt::format("<td>{}</td>", cell.html);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

}  // namespace lore
