#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace lore {

/// The cell of a row, or null where the row has none that says anything: absent, null or an empty text.
const nlohmann::ordered_json* find_cell(const nlohmann::ordered_json& row, const std::string& name);

/// A cell that must be text and more than white space. Throws: Error kInput, subject the column.
const std::string& text_cell(const nlohmann::ordered_json& row, const std::string& name);

/// The same of a cell that may be missing. Throws: Error kInput for a value that is no text.
std::optional<std::string> optional_text_cell(const nlohmann::ordered_json& row, const std::string& name);

/// `value`, or what it holds as JSON where it is text, as the cells of a table are.
/// Throws: Error kInput, subject the column.
nlohmann::ordered_json structured_cell(const nlohmann::ordered_json& value, const std::string& name);

/// True for text of nothing but white space, in Unicode's sense for what Chinese text uses.
bool is_blank(std::string_view text);

/// `text` without such white space at its ends.
std::string_view trimmed(std::string_view text);

/// "id, term, language": the first keys of a row, for a message.
std::string listed_keys(const nlohmann::ordered_json& row);

/// "a list", "text", "a number": what a value is, with its article, for a message.
std::string_view kind_of(const nlohmann::ordered_json& value);

}  // namespace lore
