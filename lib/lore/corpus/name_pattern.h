#pragma once

#include <string_view>

namespace lore {

/// True where `text` holds `*`, `?` or `[`.
bool is_pattern(std::string_view text);

/// True where a pattern of `*`, `?`, `[...]` and `[!...]` matches the whole name of a file, UTF-8 character
/// by character. None of them matches a dot at the front; a `[` without its `]` stands for itself.
bool matches_name(std::string_view pattern, std::string_view name);

}  // namespace lore
