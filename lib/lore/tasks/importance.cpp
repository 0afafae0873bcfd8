#include "lore/tasks/importance.h"

namespace lore {

std::span<const float> Importance::of(const std::string& tensor) const {
  const auto found = columns_.find(tensor);
  return found == columns_.end() ? std::span<const float>() : std::span<const float>(found->second);
}

}  // namespace lore
