#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lore/data/preview.h"

namespace lore {

/// One line that heads an example: `title`, its tokens and how many of them are trained.
std::string preview_heading(std::string_view title, const ExampleView& example, bool colour);

/// The example as text: trained parts in colour, special tokens set off; without `colour`, trained parts
/// between `⟦` and `⟧`. Within trained parts line feeds show as `↵`, and spaces at the ends of the part and
/// of its lines as `·`. Nothing in the data reaches the terminal as a control sequence, nor reads as a mark.
std::string preview_text(std::span<const TokenText> tokens, bool colour);

/// A line for each token: its position, its id, `*` where it is trained, its text.
std::string preview_ids(std::span<const TokenText> tokens, bool colour);

}  // namespace lore
