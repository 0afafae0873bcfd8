#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lore {

/// `text` made fit to be looked at: control characters as their pictures (ESC as ␛), what is invisible or
/// turns the direction of writing (zero-width characters, bidirectional controls, C1 controls) as \uXXXX,
/// bytes that are not UTF-8 as \xNN. Line feeds and tabs stay. So do the joiners of emoji and Indic scripts.
std::string visible_text(std::string_view text);

/// The same on one line, with every space seen: `·` for a space, `↵` for a line feed, `⇥` for a tab.
std::string visible_line(std::string_view text);

/// A name, such as a path, on one line.
std::string visible_name(std::string_view name);

/// `visible_text` as text of an element, or of a quoted attribute, of HTML or SVG.
std::string html_text(std::string_view text);

/// Columns that `text` (visible, one line) takes on a terminal: two for a Chinese character, none for an
/// accent.
std::size_t display_width(std::string_view text);

/// `text` cut to `width` columns, at its beginning, with `…` where something is missing.
std::string cut_left(std::string_view text, std::size_t width);

/// `text` with spaces around it up to `width` columns.
std::string pad_left(std::string_view text, std::size_t width);
std::string pad_right(std::string_view text, std::size_t width);

/// 1234567 as "1,234,567".
std::string grouped(std::int64_t number);

/// `part` of `whole` as "12.3%"; a dash where there is no whole.
std::string percent(std::int64_t part, std::int64_t whole);

}  // namespace lore
