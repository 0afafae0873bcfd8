#include "lore/data/batch.h"

#include <fmt/format.h>

#include "lore/core/error.h"

namespace lore {

void Batch::append(std::span<const std::int32_t> tokens, std::span<const std::uint8_t> trained,
                   std::int64_t index) {
  ids.insert(ids.end(), tokens.begin(), tokens.end());
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    const bool labelled = t + 1 < tokens.size() && trained[t + 1] != 0;
    labels.push_back(labelled ? tokens[t + 1] : kNoLabel);
    trained_tokens += labelled ? 1 : 0;
  }
  segments.append(static_cast<std::int64_t>(tokens.size()));
  example_of_segment.push_back(index);
}

Batch make_batch(const Dataset& dataset, std::span<const std::int64_t> indices) {
  Batch batch;
  for (const std::int64_t index : indices) {
    const ExampleView example = dataset.view(index);
    batch.append(example.ids, example.trained, index);
  }
  return batch;
}

Batch make_batch(std::span<const Example> examples, std::span<const std::int64_t> indices) {
  Batch batch;
  for (const std::int64_t index : indices) {
    if (index < 0 || static_cast<std::size_t>(index) >= examples.size()) {
      throw Error(ErrorKind::kInternal, "make_batch", fmt::format("there is no example {}", index));
    }
    const Example& example = examples[static_cast<std::size_t>(index)];
    batch.append(example.ids, example.trained, index);
  }
  return batch;
}

}  // namespace lore
