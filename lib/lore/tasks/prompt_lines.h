#pragma once

#include <istream>
#include <string>
#include <vector>

namespace lore {

/// The prompts of a stream, one a line; blank lines are none.
std::vector<std::string> read_prompt_lines(std::istream& stream);

}  // namespace lore
