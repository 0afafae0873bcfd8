#pragma once

#include <cstddef>
#include <string_view>

namespace lore {

/// Offset of the first byte that is no part of well-formed UTF-8 (Unicode 15, table 3-7), or npos.
std::size_t find_ill_formed(std::string_view text);

/// Length of the well-formed character at the front of `text`, 0 where there is none.
std::size_t well_formed_length(std::string_view text);

}  // namespace lore
