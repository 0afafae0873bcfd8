#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "lore/recipe/yaml_tree.h"

namespace lore {

/// `text` without a byte order mark and with every line break as a newline.
std::string normalized_lines(std::string_view text);

/// The first character that a YAML text may not hold: bytes that are not UTF-8, or a control character.
std::optional<YamlProblem> find_bad_character(std::string_view text, int source);

/// The first line, up to `last_line`, whose indentation holds a tab before anything but a comment.
std::optional<YamlPlace> find_tab_indentation(std::string_view text, int last_line, int source);

/// The column, in characters from 1, of byte `offset` (from 0) of line `line` (from 1).
/// `line_start` is where that line starts in `text`.
int column_of(std::string_view text, std::size_t line_start, int offset);

/// False where `text` starts with a quotation mark, single or double, that is never closed.
bool ends_its_quote(std::string_view text);

/// `text` in quotation marks for a message: control characters escaped, cut after 60 bytes or so.
std::string quoted_text(std::string_view text);

}  // namespace lore
