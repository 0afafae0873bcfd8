#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lore {

/// The candidate nearest to `word` by edit distance (Damerau-Levenshtein, at most a third of
/// the longer word), or an empty string when none is near.
std::string nearest_name(std::string_view word, std::span<const std::string> candidates);

/// " (did you mean 'NEAREST'?)" for a message, or an empty string when none is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

}  // namespace lore
