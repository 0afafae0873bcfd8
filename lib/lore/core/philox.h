#pragma once

#include <array>
#include <cstdint>

namespace lore {

/// Philox4x32-10, a counter-based generator: the output is a pure function of (key, counter),
/// so any element of any stream can be had without the ones before it.
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::uint64_t key);

/// A sequential view of one Philox stream, for shuffles and initialisation.
class PhiloxStream {
 public:
  /// `seed` chooses the key; `stream` separates uses of one seed.
  PhiloxStream(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  std::uint32_t next();
  /// Uniform in [0, 1) with 24 bits.
  float uniform();
  /// Uniform in [0, bound), without bias. REQUIRES bound > 0.
  std::uint32_t below(std::uint32_t bound);
  /// Standard normal (Box-Muller).
  float normal();

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t block_ = 0;
  std::array<std::uint32_t, 4> buffer_{};
  int used_ = 4;
};

}  // namespace lore
