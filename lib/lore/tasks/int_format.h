#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/formats/dtype.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// A scheme of compressed-tensors for the linears of the decoder layers; head and embeddings stay as they
/// are.
struct IntFormat {
  std::string_view name;   ///< as it is asked for: "hf:w4a16"
  std::string_view label;  ///< "W4A16"
  int bits;                ///< of a weight
  bool groups;  ///< a scale for each 128 columns (32 where the width asks for it), else for each row
  bool int8_activations;  ///< computed with int8 activations, each token scaled when it is there ("dynamic")
};

std::span<const IntFormat> int_formats();
/// Null for a name that is none of them.
const IntFormat* int_format_named(std::string_view name);

/// Columns that share a scale in a matrix of this width; 0 where it cannot be stored: the width is no
/// multiple of 32 (of 4, with a scale for each row).
std::int64_t group_of(const IntFormat& format, std::int64_t columns);

/// Codes [out, in] and scales [out, in / group] of one matrix.
struct IntMatrix {
  std::vector<std::int8_t> codes;
  std::vector<float> scales;  ///< rounded to the dtype that they are stored in
};

/// Rounds `scale` to what a tensor of the dtype holds; above 0 where that is not 0 already.
float stored_scale(float scale, DType dtype);

/// Rounds a matrix [out, in] to the nearest codes, group by group, on all threads. The scale of a group is
/// the one that loses least, columns counted by `importance` where it is not empty. Throws: Error kInput
/// naming the tensor for NaN or infinite values.
IntMatrix round_to_nearest(const WeightSource& source, const std::string& tensor, at::IntArrayRef shape,
                           const IntFormat& format, std::span<const float> importance, DType scale_dtype);

/// scale * code, float32 [out, in].
at::Tensor dequantized(const IntMatrix& matrix, std::int64_t out, std::int64_t in);

}  // namespace lore
