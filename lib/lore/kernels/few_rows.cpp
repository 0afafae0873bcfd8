#include "lore/kernels/few_rows.h"

#include <algorithm>

#include "lore/kernels/checks.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"

namespace lore {
namespace {

constexpr std::int64_t kWidth = simd::kLanes;

/// 16 numbers at any address: one register of AVX-512, two of AVX2.
typedef float Floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef std::uint16_t Halves __attribute__((vector_size(32), aligned(2), may_alias));
typedef std::uint32_t Words __attribute__((vector_size(64)));

// Results go by reference: vectors that functions return would be passed differently by each instruction set.
[[gnu::always_inline]] inline void load16(const float* w, Floats& lanes) {
  lanes = *reinterpret_cast<const Floats*>(w);
}
[[gnu::always_inline]] inline void load16(const std::uint16_t* w, Floats& lanes) {
  lanes = reinterpret_cast<Floats>(__builtin_convertvector(*reinterpret_cast<const Halves*>(w), Words) << 16);
}
inline float widen(float w) { return w; }
inline float widen(std::uint16_t w) { return simd::to_float(w); }

inline float sum_of(const Floats& lanes) {
  float total = 0;
  for (std::int64_t lane = 0; lane < kWidth; ++lane) {
    total += lanes[lane];
  }
  return total;
}

/// The dot products of one row of w with `Rows` rows of x. Two sums a row hide the latency of an addition,
/// the same two however many rows there are.
template <int Rows, class W>
[[gnu::always_inline]] inline void dots(const W* w, const float* x, std::int64_t stride, std::int64_t columns,
                                        float* sums) {
  Floats even[Rows] = {};
  Floats odd[Rows] = {};
  std::int64_t i = 0;
  for (; i + 2 * kWidth <= columns; i += 2 * kWidth) {
    Floats first, second;
    load16(w + i, first);
    load16(w + i + kWidth, second);
    for (int r = 0; r < Rows; ++r) {
      even[r] += first * *reinterpret_cast<const Floats*>(x + r * stride + i);
      odd[r] += second * *reinterpret_cast<const Floats*>(x + r * stride + i + kWidth);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    float rest = 0;
    for (std::int64_t k = i; k < columns; ++k) {
      rest += widen(w[k]) * x[r * stride + k];
    }
    sums[r] = sum_of(even[r] + odd[r]) + rest;
  }
}

template <class W>
[[gnu::always_inline]] inline void all_dots(const W* w, const float* x, std::int64_t stride,
                                            std::int64_t rows, std::int64_t columns, float* sums) {
  constexpr int kRows = 4;
  std::int64_t r = 0;
  for (; r + kRows <= rows; r += kRows) {
    dots<kRows>(w, x + r * stride, stride, columns, sums + r);
  }
  for (; r < rows; ++r) {
    dots<1>(w, x + r * stride, stride, columns, sums + r);
  }
}

LORE_SIMD void dots_with(const float* w, const float* x, std::int64_t stride, std::int64_t rows,
                         std::int64_t columns, float* sums) {
  all_dots(w, x, stride, rows, columns, sums);
}
LORE_SIMD void dots_with(const std::uint16_t* w, const float* x, std::int64_t stride, std::int64_t rows,
                         std::int64_t columns, float* sums) {
  all_dots(w, x, stride, rows, columns, sums);
}

inline void put(float* y, float value) { *y = value; }
inline void put(c10::BFloat16* y, float value) { y->x = simd::to_bfloat16(value); }

inline const float* numbers(const float* w) { return w; }
inline const std::uint16_t* numbers(const c10::BFloat16* w) {
  return reinterpret_cast<const std::uint16_t*>(w);
}

}  // namespace

at::Tensor widened_rows(const at::Tensor& x) { return x.to(at::kFloat).contiguous(); }

void few_rows_dots(const float* w, const float* x, std::int64_t stride, std::int64_t rows,
                   std::int64_t columns, float* sums) {
  dots_with(w, x, stride, rows, columns, sums);
}

void few_rows_product(at::Tensor& y, const at::Tensor& x, const at::Tensor& w) {
  const std::int64_t rows = x.size(0);
  check_argument(rows <= kFewRows && x.is_cpu(), "few_rows_product", "at most kFewRows rows on the CPU");
  const std::int64_t columns = w.size(1);
  const at::Tensor wide = widened_rows(x);
  const float* values = wide.data_ptr<float>();
  dispatch_dtype(w, [&](auto* weight_tag) {
    dispatch_dtype(y, [&](auto* tag) {
      const auto* weight = w.data_ptr<std::remove_pointer_t<decltype(weight_tag)>>();
      auto* out = y.data_ptr<std::remove_pointer_t<decltype(tag)>>();
      const std::int64_t y_stride = y.stride(0);
      const std::int64_t w_stride = w.stride(0);
      parallel_for(0, w.size(0), product_grain(columns), [&](std::int64_t begin, std::int64_t end) {
        float sums[kFewRows];
        for (std::int64_t row = begin; row < end; ++row) {
          dots_with(numbers(weight + row * w_stride), values, columns, rows, columns, sums);
          for (std::int64_t n = 0; n < rows; ++n) {
            put(out + n * y_stride + row, sums[n]);
          }
        }
      });
    });
  });
}

}  // namespace lore
