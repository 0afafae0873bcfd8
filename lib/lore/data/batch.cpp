#include "lore/data/batch.h"

#include <fmt/format.h>

#include "lore/core/error.h"

namespace lore {

Batch make_batch(std::span<const Example> examples, std::span<const std::int64_t> indices) {
  Batch batch;
  for (const std::int64_t index : indices) {
    if (index < 0 || static_cast<std::size_t>(index) >= examples.size()) {
      throw Error(ErrorKind::kInternal, "make_batch", fmt::format("there is no example {}", index));
    }
    const Example& example = examples[static_cast<std::size_t>(index)];
    const std::size_t length = example.ids.size();
    batch.ids.insert(batch.ids.end(), example.ids.begin(), example.ids.end());
    for (std::size_t t = 0; t < length; ++t) {
      const bool labelled = t + 1 < length && example.trained[t + 1] != 0;
      batch.labels.push_back(labelled ? example.ids[t + 1] : kNoLabel);
      batch.trained_tokens += labelled ? 1 : 0;
    }
    batch.segments.append(static_cast<std::int64_t>(length));
    batch.example_of_segment.push_back(index);
  }
  return batch;
}

}  // namespace lore
