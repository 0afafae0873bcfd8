#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// One of the formats that `format` of a source names.
struct RowFormat {
  std::string_view name;
  std::vector<std::string> required;  ///< columns by which a row is recognised
  std::vector<std::string> optional;
};

/// All formats but `auto`, in the order of the recipe's reference.
std::span<const RowFormat> row_formats();

/// Throws: Error kUsage, subject "format", for a name that is none.
const RowFormat& find_row_format(std::string_view name);

/// The standard names that `columns` may have; with an empty `format`, those of all formats.
/// Throws: Error kUsage, subject "columns", with a suggestion, for a name that is none, or a column named
/// twice.
void check_column_names(const std::vector<std::pair<std::string, std::string>>& columns,
                        std::string_view format);

/// The format of a row by its columns. Throws: Error kInput where it is none or more than one.
const RowFormat& detect_row_format(const nlohmann::ordered_json& row);

/// Throws: Error kInput, where the row lacks a column of its format, naming it, the row's keys, and what to
/// do.
void check_row_format(const nlohmann::ordered_json& row, const RowFormat& format);

}  // namespace lore
