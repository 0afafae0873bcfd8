#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lore {

/// Values of a matrix, row after row, that share a scale in NF4; the last run may be shorter.
constexpr std::size_t kNf4Block = 64;

/// NF4, the 4-bit NormalFloat of QLoRA (Dettmers et al., arXiv:2305.14314), with double quantization: each 64
/// values are codes of a fixed table times their largest magnitude; each 256 of these magnitudes, less the
/// mean of all, are 8-bit codes of another table times their largest magnitude. 4.127 bits a value.
/// Codes and values are those of bitsandbytes 0.50 on a CPU (quantize_4bit with compress_statistics), except
/// that the mean is rounded once from a double sum.
class Nf4Values {
 public:
  /// Room for `count` values.
  explicit Nf4Values(std::size_t count);

  std::size_t count() const { return count_; }
  /// The bytes that it takes.
  std::size_t bytes() const;

  /// Takes in the values from `first`, a multiple of 64, on. May be called from several threads for different
  /// blocks. Returns false for a value that is not finite.
  bool encode(std::size_t first, std::span<const float> values);
  /// Quantizes the magnitudes. To be called once, when all values are in.
  void finish();

  /// Any run of values from `first` on. REQUIRES finish.
  void decode(std::size_t first, std::span<float> values) const;

 private:
  float scale(std::size_t block) const;

  std::size_t count_;
  std::vector<std::uint8_t> codes_;        ///< two a byte, the first in the high half
  std::vector<float> magnitudes_;          ///< of blocks; empty once they are quantized
  std::vector<std::uint8_t> scale_codes_;  ///< of blocks
  std::vector<float> scale_magnitudes_;    ///< of 256 blocks each
  float mean_ = 0;
};

/// The 16 values of NF4, ascending.
std::span<const float> nf4_table();
/// The 256 values of bitsandbytes' signed 8-bit "dynamic map", ascending (Dettmers, arXiv:1511.04561).
std::span<const float> dynamic_map();

}  // namespace lore
