#pragma once

#include <cstdint>
#include <vector>

namespace lore {

/// The order in which the examples of an epoch are seen: a permutation of 0 .. count-1, a pure
/// function of its arguments (Fisher-Yates on Philox). Ascending when `shuffle` is false.
std::vector<std::int64_t> epoch_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch,
                                      bool shuffle);

}  // namespace lore
