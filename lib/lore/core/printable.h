#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lore {

/// Text from an untrusted file made fit for a message: control characters and bytes that are not
/// UTF-8 become \xNN, and what is longer than `limit` bytes is cut with "...".
std::string printable(std::string_view text, std::size_t limit = 120);

/// `printable` between double quotes.
std::string in_quotes(std::string_view text);

}  // namespace lore
