#pragma once

#include <cstdint>
#include <vector>

namespace lore {

/// The order in which the examples of an epoch are seen: a permutation of 0 .. count-1, a pure
/// function of its arguments (Fisher-Yates on Philox). Ascending when `shuffle` is false.
std::vector<std::int64_t> epoch_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch,
                                      bool shuffle);

/// The same for the packs of an epoch, independent of the order of its examples.
std::vector<std::int64_t> pack_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch,
                                     bool shuffle);

/// The order in which examples are taken for validation.
std::vector<std::int64_t> split_order(std::int64_t count, std::uint64_t seed);

}  // namespace lore
