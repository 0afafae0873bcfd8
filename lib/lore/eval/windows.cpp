#include "lore/eval/windows.h"

#include <algorithm>

namespace lore {

std::vector<Window> plan_windows(std::int64_t tokens, std::int64_t max_length, std::int64_t stride) {
  std::vector<Window> windows;
  std::int64_t seen = 0;
  for (std::int64_t first = 0; seen < tokens; first += stride) {
    const std::int64_t end = std::min(first + max_length, tokens);
    const std::int64_t scored = end - std::max(seen, first + 1);
    if (scored > 0) {
      windows.push_back({first, end - first, scored});
    }
    seen = end;
  }
  return windows;
}

}  // namespace lore
