#pragma once

#include <string>

namespace lore {

/// "the change of perplexity from base to adapter must be at most 0". `gate` is one that `parse_gate` reads.
std::string gate_in_words(const std::string& gate);

}  // namespace lore
