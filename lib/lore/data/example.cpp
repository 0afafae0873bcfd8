#include "lore/data/example.h"

#include <algorithm>

namespace lore {

std::int64_t count_trained(const ExampleView& example) {
  return example.trained.empty() ? 0 : std::count(example.trained.begin() + 1, example.trained.end(), 1);
}

std::int64_t count_trained(const Example& example) {
  return count_trained(ExampleView{example.ids, example.trained, example.source});
}

}  // namespace lore
