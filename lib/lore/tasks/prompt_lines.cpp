#include "lore/tasks/prompt_lines.h"

#include "lore/corpus/row_cells.h"

namespace lore {

std::vector<std::string> read_prompt_lines(std::istream& stream) {
  std::vector<std::string> prompts;
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) {
      line.pop_back();
    }
    if (!is_blank(line)) {
      prompts.push_back(line);
    }
  }
  return prompts;
}

}  // namespace lore
