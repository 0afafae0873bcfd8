#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lore {

/// One training example: a token sequence and which of its tokens are learned.
struct Example {
  /// [T] token ids.
  std::vector<std::int32_t> ids;
  /// [T] 1 where the token is a label, 0 where it is only context.
  std::vector<std::uint8_t> trained;
  /// "file:line" of the row it came from.
  std::string source;
};

/// The same, with tokens that are held elsewhere.
struct ExampleView {
  std::span<const std::int32_t> ids;
  std::span<const std::uint8_t> trained;
  std::string source;
};

/// The labels an example gives: its trained tokens but the first, which nothing predicts.
std::int64_t count_trained(const ExampleView& example);
std::int64_t count_trained(const Example& example);

}  // namespace lore
