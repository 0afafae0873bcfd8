#pragma once

#include <cstdint>
#include <vector>

namespace lore {

/// The pieces that lie one after another in a packed batch. Piece s holds the tokens
/// [offsets[s], offsets[s+1]) of the batch; each attends only to itself, and its positions
/// start at `first_position[s]` (0 but for a continued KV cache).
struct Segments {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int64_t> first_position;

  std::int64_t count() const { return static_cast<std::int64_t>(first_position.size()); }
  std::int64_t tokens() const { return offsets.back(); }
  std::int64_t begin(std::int64_t s) const { return offsets[static_cast<std::size_t>(s)]; }
  std::int64_t length(std::int64_t s) const {
    return offsets[static_cast<std::size_t>(s) + 1] - offsets[static_cast<std::size_t>(s)];
  }
  void append(std::int64_t length, std::int64_t position = 0) {
    offsets.push_back(offsets.back() + length);
    first_position.push_back(position);
  }
};

}  // namespace lore
