#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lore/formats/checkpoint.h"

namespace lore {

/// A matrix [out, in] as compressed-tensors stores it: integers of 4 or 8 bits, a scale for each group of
/// columns (or for each row, or one for all), and where it is asymmetric a zero point of each. Views point
/// into mapped files.
struct CompressedWeight {
  TensorView codes;  ///< "weight_packed" I32 [out, in * bits / 32], or "weight" I8 [out, in]
  TensorView scale;  ///< [out, groups], [out, 1] or [1], any float dtype
  std::optional<TensorView> zero_point;  ///< packed along the rows, or I8
  std::optional<TensorView> group_of;    ///< "weight_g_idx" I32 [in]; without it groups are runs of columns
  std::int64_t columns = 0;
  int bits = 8;
  bool packed = false;

  /// Rows [first, first + count) as scale * (code - zero point), into `target`.
  void read_rows(std::int64_t first, std::int64_t count, float* target) const;
};

/// The compressed matrix behind the parameter `name` ("....q_proj.weight"); nothing when it is not
/// compressed. `subject` is the folder. Throws: Error kInput for parts that are missing, misshapen or of an
/// unknown layout.
std::optional<CompressedWeight> find_compressed(const Checkpoint& checkpoint, const std::string& name,
                                                std::span<const std::int64_t> shape,
                                                const std::string& subject);

/// The names under which the parts of a compressed parameter may lie.
std::vector<std::string> compressed_names(const std::string& name);

}  // namespace lore
