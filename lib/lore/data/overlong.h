#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lore/data/example.h"

namespace lore {

/// What is done with an example longer than the maximum.
enum class Overlong { kError, kSplit, kTruncateRight, kTruncateLeft, kDrop };

/// `error`, `split`, `truncate_right`, `truncate_left` or `drop`. Throws: Error kUsage for anything else.
Overlong parse_overlong(std::string_view name);

/// An example brought to at most the maximum length.
struct Fitted {
  std::vector<Example> examples;  ///< one, several when it was split, none when it was dropped
  bool truncated = false;
  bool split = false;
  bool dropped = false;
  std::int64_t unlabelled = 0;  ///< pieces of a split without a label, left out
};

/// Fits `example` to `max_length` tokens. The pieces of a split begin with the last token of the piece
/// before, untrained there, so that together they predict each trained token once.
/// Throws: Error kInput for an example too long with kError, and when a cut leaves nothing to train.
Fitted fit(Example example, std::int64_t max_length, Overlong overlong);

}  // namespace lore
