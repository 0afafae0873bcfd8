#pragma once

#include <optional>
#include <string_view>

namespace lore {

/// How far two English words in lower case are apart: 0 the same, 1 for a plural or a possessive ("policies",
/// "policy's" of "policy"), 2 for -ing or -ed ("hedging", "planned" of "hedge", "plan"), sums of these;
/// nothing where they are not forms of one word. Rules of spelling, no dictionary: irregular forms ("men" of
/// "man") are other words.
std::optional<int> inflection_distance(std::u32string_view a, std::u32string_view b);

}  // namespace lore
