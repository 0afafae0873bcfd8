#include "lore/kernels/add_rounded.h"

#include <c10/util/Half.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "lore/core/error.h"
#include "lore/kernels/simd.h"

namespace lore {
namespace {

// A storage type: how a float becomes its bits and what the bits say. `kExponent` has every bit of the
// exponent: a value with all of them set is infinite or NaN.

struct AsFloat {
  using Bits = std::uint32_t;
  static constexpr Bits kExponent = 0x7F800000U;
  static Bits bits(float value) { return std::bit_cast<std::uint32_t>(value); }
  static float value(Bits bits) { return std::bit_cast<float>(bits); }
};

struct AsBfloat16 {
  using Bits = std::uint16_t;
  static constexpr Bits kExponent = 0x7F80U;
  static Bits bits(float value) { return simd::to_bfloat16(value); }
  static float value(Bits bits) { return simd::to_float(bits); }
};

struct AsHalf {
  using Bits = std::uint16_t;
  static constexpr Bits kExponent = 0x7C00U;
  static Bits bits(float value) { return c10::detail::fp16_ieee_from_fp32_value(value); }
  static float value(Bits bits) { return c10::detail::fp16_ieee_to_fp32_value(bits); }
};

constexpr std::int64_t kLanes = simd::kLanes;

/// One piece, short enough for float32 partial sums. Inlined into a function per instruction set.
template <typename Storage>
inline __attribute__((always_inline)) void add_piece(const float* w, const float* d, std::int64_t count,
                                                     typename Storage::Bits* out, RoundedUpdate& update) {
  float squares[kLanes] = {};
  float products[kLanes] = {};
  std::int32_t changed[kLanes] = {};
  std::int32_t broken[kLanes] = {};
  const auto step = [&](std::int64_t i, std::int64_t lane) {
    const auto before = Storage::bits(w[i]);
    const auto after = Storage::bits(w[i] + d[i]);
    out[i] = after;
    squares[lane] += d[i] * d[i];
    products[lane] += (Storage::value(after) - Storage::value(before)) * d[i];
    changed[lane] += after != before ? 1 : 0;
    broken[lane] |= (after & Storage::kExponent) == Storage::kExponent ? 1 : 0;
  };
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      step(i + lane, lane);
    }
  }
  for (std::int64_t lane = 0; i < count; ++i, ++lane) {
    step(i, lane);
  }
  update.squared_norm += static_cast<double>(simd::sum_of(squares));
  update.projection += static_cast<double>(simd::sum_of(products));
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    update.changed += changed[lane];
    update.finite = update.finite && broken[lane] == 0;
  }
  update.elements += count;
}

template <typename Storage>
inline __attribute__((always_inline)) bool round_piece(const float* w, std::int64_t count,
                                                       typename Storage::Bits* out) {
  std::int32_t broken = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    out[i] = Storage::bits(w[i]);
    broken |= (out[i] & Storage::kExponent) == Storage::kExponent ? 1 : 0;
  }
  return broken == 0;
}

template <typename Storage>
inline __attribute__((always_inline)) bool finite_piece(const typename Storage::Bits* values,
                                                        std::int64_t count) {
  std::int32_t broken = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    broken |= (values[i] & Storage::kExponent) == Storage::kExponent ? 1 : 0;
  }
  return broken == 0;
}

LORE_SIMD void add_float(const float* w, const float* d, std::int64_t n, std::uint32_t* out,
                         RoundedUpdate& update) {
  add_piece<AsFloat>(w, d, n, out, update);
}
LORE_SIMD void add_bfloat16(const float* w, const float* d, std::int64_t n, std::uint16_t* out,
                            RoundedUpdate& update) {
  add_piece<AsBfloat16>(w, d, n, out, update);
}
LORE_SIMD void add_half(const float* w, const float* d, std::int64_t n, std::uint16_t* out,
                        RoundedUpdate& update) {
  add_piece<AsHalf>(w, d, n, out, update);
}
LORE_SIMD bool round_float(const float* w, std::int64_t n, std::uint32_t* out) {
  return round_piece<AsFloat>(w, n, out);
}
LORE_SIMD bool round_bfloat16(const float* w, std::int64_t n, std::uint16_t* out) {
  return round_piece<AsBfloat16>(w, n, out);
}
LORE_SIMD bool round_half(const float* w, std::int64_t n, std::uint16_t* out) {
  return round_piece<AsHalf>(w, n, out);
}
LORE_SIMD bool finite_float(const std::uint32_t* values, std::int64_t n) {
  return finite_piece<AsFloat>(values, n);
}
LORE_SIMD bool finite_bfloat16(const std::uint16_t* values, std::int64_t n) {
  return finite_piece<AsBfloat16>(values, n);
}
LORE_SIMD bool finite_half(const std::uint16_t* values, std::int64_t n) {
  return finite_piece<AsHalf>(values, n);
}

/// d[j] = sum over k of b[k] a[k, j], for the `count` columns of `a` that begin at `a`.
LORE_SIMD void product_piece(const float* b, const float* a, std::int64_t columns, std::int64_t rank,
                             std::int64_t count, float* d) {
  using Vector __attribute__((vector_size(simd::kLanes * sizeof(float)), aligned(4), may_alias)) = float;
  constexpr std::int64_t kVectors = 4;
  std::int64_t j = 0;
  for (; j + kVectors * kLanes <= count; j += kVectors * kLanes) {
    Vector sums[kVectors] = {};
    for (std::int64_t k = 0; k < rank; ++k) {
      const auto* row = reinterpret_cast<const Vector*>(a + k * columns + j);
      sums[0] += b[k] * row[0];
      sums[1] += b[k] * row[1];
      sums[2] += b[k] * row[2];
      sums[3] += b[k] * row[3];
    }
    for (std::int64_t v = 0; v < kVectors; ++v) {
      reinterpret_cast<Vector*>(d + j)[v] = sums[v];
    }
  }
  for (; j < count; ++j) {
    float sum = 0;
    for (std::int64_t k = 0; k < rank; ++k) {
      sum += b[k] * a[k * columns + j];
    }
    d[j] = sum;
  }
}

[[noreturn]] void refuse(at::ScalarType dtype) {
  throw Error(ErrorKind::kInternal, "add_rounded", std::string("cannot store ") + c10::toString(dtype));
}

}  // namespace

RoundedUpdate& RoundedUpdate::operator+=(const RoundedUpdate& other) {
  squared_norm += other.squared_norm;
  projection += other.projection;
  changed += other.changed;
  elements += other.elements;
  finite = finite && other.finite;
  return *this;
}

RoundedUpdate add_rounded(const float* w, const float* d, std::int64_t count, at::ScalarType dtype,
                          std::byte* out) {
  constexpr std::int64_t kPiece = 4096;
  RoundedUpdate update;
  auto* wide = reinterpret_cast<std::uint32_t*>(out);
  auto* narrow = reinterpret_cast<std::uint16_t*>(out);
  for (std::int64_t first = 0; first < count; first += kPiece) {
    const std::int64_t n = count - first < kPiece ? count - first : kPiece;
    if (dtype == at::kFloat) {
      add_float(w + first, d + first, n, wide + first, update);
    } else if (dtype == at::kBFloat16) {
      add_bfloat16(w + first, d + first, n, narrow + first, update);
    } else if (dtype == at::kHalf) {
      add_half(w + first, d + first, n, narrow + first, update);
    } else {
      refuse(dtype);
    }
  }
  return update;
}

RoundedUpdate add_product_rounded(const float* w, const float* b, const float* a, std::int64_t rows,
                                  std::int64_t columns, std::int64_t rank, at::ScalarType dtype,
                                  std::byte* out) {
  // The columns' part of `a` stays in the nearest cache while the rows pass by.
  constexpr std::int64_t kColumns = 512;
  const auto bytes = static_cast<std::int64_t>(c10::elementSize(dtype));
  RoundedUpdate update;
  float delta[kColumns];
  for (std::int64_t column = 0; column < columns; column += kColumns) {
    const std::int64_t count = std::min(kColumns, columns - column);
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t place = row * columns + column;
      product_piece(b + row * rank, a + column, columns, rank, count, delta);
      update += add_rounded(w + place, delta, count, dtype, out + place * bytes);
    }
  }
  return update;
}

bool round_to(const float* w, std::int64_t count, at::ScalarType dtype, std::byte* out) {
  if (dtype == at::kFloat) {
    return round_float(w, count, reinterpret_cast<std::uint32_t*>(out));
  }
  if (dtype == at::kBFloat16) {
    return round_bfloat16(w, count, reinterpret_cast<std::uint16_t*>(out));
  }
  if (dtype == at::kHalf) {
    return round_half(w, count, reinterpret_cast<std::uint16_t*>(out));
  }
  refuse(dtype);
}

bool all_finite(const std::byte* values, std::int64_t count, at::ScalarType dtype) {
  if (dtype == at::kFloat) {
    return finite_float(reinterpret_cast<const std::uint32_t*>(values), count);
  }
  if (dtype == at::kBFloat16) {
    return finite_bfloat16(reinterpret_cast<const std::uint16_t*>(values), count);
  }
  if (dtype == at::kHalf) {
    return finite_half(reinterpret_cast<const std::uint16_t*>(values), count);
  }
  refuse(dtype);
}

}  // namespace lore
