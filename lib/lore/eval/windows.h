#pragma once

#include <cstdint>
#include <vector>

namespace lore {

/// A piece of a long text that is scored in one pass: its last `scored` tokens, with those before as context.
struct Window {
  std::int64_t first;
  std::int64_t length;
  std::int64_t scored;
  bool operator==(const Window&) const = default;
};

/// Windows of at most `max_length` tokens, each `stride` further on, over a text of `tokens` tokens, as
/// https://huggingface.co/docs/transformers/perplexity slides them. Every token but the first is scored once,
/// with as much context as its window gives; where windows do not overlap, the first token of each has none
/// and is not scored. REQUIRES 2 <= max_length and 1 <= stride <= max_length.
std::vector<Window> plan_windows(std::int64_t tokens, std::int64_t max_length, std::int64_t stride);

}  // namespace lore
