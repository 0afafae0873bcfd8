#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lore/core/segments.h"
#include "lore/data/dataset.h"
#include "lore/data/example.h"

namespace lore {

/// The label of a position that carries no loss.
inline constexpr std::int32_t kNoLabel = -100;

/// Examples laid one after another, without padding.
struct Batch {
  /// [T] token ids.
  std::vector<std::int32_t> ids;
  /// [T] what each position predicts: the next token of the same segment where that one is
  /// trained, else kNoLabel. Already shifted, so no loss crosses from one piece to the next.
  std::vector<std::int32_t> labels;
  Segments segments;
  /// Labels other than kNoLabel.
  std::int64_t trained_tokens = 0;
  /// [segments] index of the example in each.
  std::vector<std::int64_t> example_of_segment;

  /// Lays one more example behind the others; `index` is its own.
  void append(std::span<const std::int32_t> tokens, std::span<const std::uint8_t> trained,
              std::int64_t index);
};

/// The batch of the examples at `indices`, in that order.
/// Throws: Error kInternal for an index out of range; as Dataset::view.
Batch make_batch(const Dataset& dataset, std::span<const std::int64_t> indices);
Batch make_batch(std::span<const Example> examples, std::span<const std::int64_t> indices);

}  // namespace lore
