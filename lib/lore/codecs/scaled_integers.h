#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lore {

/// A matrix as int8 with a scale for each row: the row's largest magnitude over 127, as bitsandbytes' int8
/// weights (Dettmers et al., arXiv:2208.07339).
class Int8Values {
 public:
  Int8Values(std::size_t rows, std::size_t columns);

  std::size_t bytes() const { return codes_.size() + scales_.size() * sizeof(float); }

  /// Takes in whole rows from `first` on; from several threads for different rows. Returns false for a value
  /// that is not finite.
  bool encode_rows(std::size_t first, std::span<const float> values);
  /// Whole rows from `first` on.
  void decode_rows(std::size_t first, std::span<float> values) const;

 private:
  std::size_t columns_;
  std::vector<std::int8_t> codes_;
  std::vector<float> scales_;
};

/// A matrix as whole numbers of 4 or 6 bits, from -8 to 7 or from -32 to 31, with a scale in bfloat16 for
/// each group of neighbours in a row: the largest magnitude over 7.5 or 31.5, as compressed-tensors'
/// symmetric W4A16. A group has 128 numbers where that divides a row, else 32 and at the end what is left.
class GroupedIntegers {
 public:
  /// `bits`: 4 or 6.
  GroupedIntegers(std::size_t rows, std::size_t columns, int bits);

  std::size_t bytes() const { return low_.size() + high_.size() + scales_.size() * sizeof(std::uint16_t); }

  /// As Int8Values has them.
  bool encode_rows(std::size_t first, std::span<const float> values);
  void decode_rows(std::size_t first, std::span<float> values) const;

 private:
  std::size_t columns_;
  int bits_;
  std::size_t group_;
  std::size_t groups_;      ///< of a row
  std::size_t low_bytes_;   ///< of a row
  std::size_t high_bytes_;  ///< of a row
  std::vector<std::uint8_t>
      low_;  ///< the low 4 bits of code + 8 or + 32, two a byte, the first in the low half
  std::vector<std::uint8_t> high_;  ///< the high 2 of 6 bits, four a byte, the first in the lowest place
  std::vector<std::uint16_t> scales_;
};

}  // namespace lore
