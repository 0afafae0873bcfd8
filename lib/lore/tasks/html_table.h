#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// A cell of a table: HTML, and the number that it sorts by where it is one.
struct HtmlCell {
  std::string html;
  std::optional<double> value = {};
};

HtmlCell text_cell(std::string_view text);
HtmlCell number_cell(double value);
/// A difference, with its sign.
HtmlCell change_cell(double value);
/// "base → value", sorted by the change; `value` alone where there is no base.
HtmlCell compared_cell(std::optional<double> base, double value);

/// "0.4312"; a dash for what is not a number.
std::string number_text(double value);

/// A table whose columns the page's script sorts. `headings` are text, as many as each row has cells.
std::string html_table(const std::vector<std::string>& headings,
                       const std::vector<std::vector<HtmlCell>>& rows);

}  // namespace lore
