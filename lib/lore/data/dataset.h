#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/data/example.h"
#include "lore/data/example_builder.h"
#include "lore/recipe/specs.h"

namespace lore {

/// What is done with an example longer than the maximum.
enum class Overlong { kError, kTruncateRight, kTruncateLeft, kDrop };

/// `error`, `truncate_right`, `truncate_left` or `drop`. Throws: Error kUsage for anything else.
Overlong parse_overlong(std::string_view name);

/// What came out of one source.
struct SourceCounts {
  std::string path;
  std::int64_t rows = 0;            ///< rows read
  std::int64_t examples = 0;        ///< examples kept
  std::int64_t tokens = 0;          ///< tokens of the examples kept
  std::int64_t trained_tokens = 0;  ///< of which are labels
  std::int64_t truncated = 0;       ///< examples cut to the maximum length
  std::int64_t dropped = 0;         ///< rows left out because they were too long
};

/// All examples of a list of sources, in the order of the sources and their rows.
struct Dataset {
  std::vector<Example> examples;
  /// As loaded; `split_validation` leaves them as they are.
  std::vector<SourceCounts> sources;

  std::int64_t count() const { return static_cast<std::int64_t>(examples.size()); }
  /// Valid as long as the data set.
  ExampleView view(std::int64_t i) const;
  std::int64_t tokens() const;
  std::int64_t trained_tokens() const;
  /// Tokens of each example.
  std::vector<std::int64_t> lengths() const;
};

/// Reads and tokenizes all sources with `threads` threads. Result and errors do not depend on the
/// number of threads. A truncated example that keeps no trained token is an error, too.
/// Throws: Error kInput that lists up to 20 bad rows as "file:line: why".
Dataset load_dataset(std::span<const SourceSpec> sources, const ExampleBuilder& builder,
                     std::int64_t max_length, Overlong overlong, int threads);

/// Moves a random `fraction` of the examples (rounded to the nearest number, at least one, in the order they
/// had) out of `dataset` and returns them. A pure function of the number of examples and of `seed`. Throws:
/// Error kUsage when the fraction is not within (0, 1) or leaves one side empty.
Dataset split_validation(Dataset& dataset, double fraction, std::uint64_t seed);

}  // namespace lore
