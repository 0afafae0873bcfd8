#include "lore/data/sampler.h"

#include <fmt/format.h>

#include <limits>
#include <numeric>

#include "lore/core/error.h"
#include "lore/core/philox.h"

namespace lore {
namespace {

// Streams of one seed, apart from each other and, by their high bits, from those of small numbers.
constexpr std::uint64_t kEpochStream = std::uint64_t{0x4F52} << 48;
constexpr std::uint64_t kPackStream = std::uint64_t{0x5041} << 48;
constexpr std::uint64_t kSplitStream = std::uint64_t{0x5350} << 48;

std::vector<std::int64_t> ascending(std::int64_t count) {
  if (count < 0 || count > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::kUsage, "data", fmt::format("cannot order {} examples: at most 2^32 - 1", count));
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  return order;
}

/// Fisher-Yates (Durstenfeld, CACM 7(7), 1964).
std::vector<std::int64_t> permutation(std::int64_t count, std::uint64_t seed, std::uint64_t stream) {
  std::vector<std::int64_t> order = ascending(count);
  PhiloxStream random(seed, stream);
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  }
  return order;
}

}  // namespace

std::vector<std::int64_t> epoch_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch,
                                      bool shuffle) {
  return shuffle ? permutation(count, seed, kEpochStream + static_cast<std::uint64_t>(epoch))
                 : ascending(count);
}

std::vector<std::int64_t> pack_order(std::int64_t count, std::uint64_t seed, std::int64_t epoch,
                                     bool shuffle) {
  return shuffle ? permutation(count, seed, kPackStream + static_cast<std::uint64_t>(epoch))
                 : ascending(count);
}

std::vector<std::int64_t> split_order(std::int64_t count, std::uint64_t seed) {
  return permutation(count, seed, kSplitStream);
}

}  // namespace lore
