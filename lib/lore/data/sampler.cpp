#include "lore/data/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "lore/core/error.h"
#include "lore/core/philox.h"

namespace lore {
namespace {

constexpr std::uint32_t kRounds = 8;
/// A network over fewer bits has too few orders to be near a uniform draw.
constexpr unsigned kFewestBits = 8;

std::uint64_t mask(unsigned bits) { return (std::uint64_t{1} << bits) - 1; }

/// The places that an endless sequence has given out before `epoch`.
std::int64_t position_before(std::int64_t epoch, const SourceShare& source) {
  return static_cast<std::int64_t>(
      std::floor(static_cast<double>(epoch) * source.weight * static_cast<double>(source.examples)));
}

std::int64_t places_of_epoch(std::span<const SourceShare> sources, std::int64_t epoch) {
  std::int64_t places = 0;
  for (const SourceShare& source : sources) {
    places += position_before(epoch + 1, source) - position_before(epoch, source);
  }
  return places;
}

}  // namespace

Permutation::Permutation(std::int64_t count, std::uint64_t seed, OrderStream stream, std::uint64_t number)
    : count_(static_cast<std::uint64_t>(count)),
      seed_(seed),
      stream_(static_cast<std::uint64_t>(stream) << 48 ^ number) {
  if (count < 0 || count > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::kUsage, "data", fmt::format("cannot order {} examples: at most 2^32 - 1", count));
  }
  const unsigned bits =
      std::max(kFewestBits, static_cast<unsigned>(std::bit_width(count_ > 0 ? count_ - 1 : 0)));
  low_bits_ = bits / 2;
  high_bits_ = bits - low_bits_;
}

std::uint64_t Permutation::encrypt(std::uint64_t value) const {
  // Two halves, each changed in turn by a keyed function of the other.
  std::uint64_t low = value & mask(low_bits_);
  std::uint64_t high = value >> low_bits_;
  for (std::uint32_t round = 0; round < kRounds; round += 2) {
    const auto word = [&](std::uint64_t half, std::uint32_t number) {
      return philox4x32({static_cast<std::uint32_t>(half), number, static_cast<std::uint32_t>(stream_),
                         static_cast<std::uint32_t>(stream_ >> 32)},
                        seed_)[0];
    };
    high = (high ^ word(low, round)) & mask(high_bits_);
    low = (low ^ word(high, round + 1)) & mask(low_bits_);
  }
  return high << low_bits_ | low;
}

std::int64_t Permutation::operator()(std::int64_t place) const {
  auto value = static_cast<std::uint64_t>(place);
  do {
    value = encrypt(value);
  } while (value >= count_);
  return static_cast<std::int64_t>(value);
}

EpochOrder::EpochOrder(std::span<const SourceShare> sources, std::uint64_t seed, std::int64_t epoch,
                       bool shuffle)
    : order_(places_of_epoch(sources, epoch), seed, OrderStream::kEpoch, static_cast<std::uint64_t>(epoch)),
      seed_(seed),
      shuffle_(shuffle) {
  std::int64_t place = 0;
  std::int64_t example = 0;
  for (std::size_t source = 0; source < sources.size(); ++source) {
    const std::int64_t begin = position_before(epoch, sources[source]);
    const std::int64_t end = position_before(epoch + 1, sources[source]);
    if (end > begin) {
      parts_.push_back({place, example, sources[source].examples, begin, source});
    }
    place += end - begin;
    example += sources[source].examples;
  }
}

std::int64_t EpochOrder::operator()(std::int64_t place) const {
  const std::int64_t drawn = shuffle_ ? order_(place) : place;
  const auto after =
      std::upper_bound(parts_.begin(), parts_.end(), drawn,
                       [](std::int64_t value, const Part& part) { return value < part.first_place; });
  const Part& part = *std::prev(after);
  const std::int64_t position = part.position + drawn - part.first_place;
  const std::int64_t within = position % part.examples;
  if (!shuffle_) {
    return part.first_example + within;
  }
  const auto pass = static_cast<std::uint64_t>(position / part.examples);
  const Permutation order_of_pass(part.examples, seed_, OrderStream::kSource, part.source << 32 ^ pass);
  return part.first_example + order_of_pass(within);
}

}  // namespace lore
