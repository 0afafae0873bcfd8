#pragma once

#include <c10/core/ScalarType.h>

#include <cstddef>
#include <cstdint>

namespace lore {

/// What rounding did to an update D of weights W.
struct RoundedUpdate {
  double squared_norm = 0;    ///< sum of D^2
  double projection = 0;      ///< sum of (round(W + D) - round(W)) * D
  std::int64_t changed = 0;   ///< elements whose rounded value is another one
  std::int64_t elements = 0;  ///< all of them
  bool finite = true;         ///< whether every result is a finite number

  RoundedUpdate& operator+=(const RoundedUpdate& other);
};

/// out[i] = round(w[i] + d[i]): the sum in float32, rounded once to `dtype` (float32, bfloat16 or
/// float16, to nearest even). The bytes are the same for any instruction set.
RoundedUpdate add_rounded(const float* w, const float* d, std::int64_t count, at::ScalarType dtype,
                          std::byte* out);

/// The same for rows x columns weights, with D = b a the product of b [rows, rank] and a [rank, columns],
/// which is summed over the rank in order and never held whole.
RoundedUpdate add_product_rounded(const float* w, const float* b, const float* a, std::int64_t rows,
                                  std::int64_t columns, std::int64_t rank, at::ScalarType dtype,
                                  std::byte* out);

/// out[i] = round(w[i]). Returns whether every result is a finite number.
bool round_to(const float* w, std::int64_t count, at::ScalarType dtype, std::byte* out);

/// Whether `count` stored values of `dtype` (float32, bfloat16 or float16) are all finite numbers.
bool all_finite(const std::byte* values, std::int64_t count, at::ScalarType dtype);

}  // namespace lore
