#include "lore/kernels/tile_product.h"

#include "lore/kernels/simd.h"

namespace lore {
namespace {

constexpr std::int64_t kWidth = 16;

/// 16 floats at any address: one register of AVX-512, two of AVX2.
typedef float Vector __attribute__((vector_size(64), aligned(4), may_alias));

typedef std::uint16_t Halves __attribute__((vector_size(32), aligned(2), may_alias));
typedef std::uint32_t Words __attribute__((vector_size(64)));

[[gnu::always_inline]] inline void load16(const float* from, Vector& values) {
  values = *reinterpret_cast<const Vector*>(from);
}
[[gnu::always_inline]] inline void load16(const c10::BFloat16* from, Vector& values) {
  values =
      reinterpret_cast<Vector>(__builtin_convertvector(*reinterpret_cast<const Halves*>(from), Words) << 16);
}

/// `Rows` rows by `Vectors` x 16 columns of c, held in registers over all of k. Three rows of two vectors are
/// the most that AVX2's sixteen registers hold, and enough to hide the latency of AVX-512's.
template <int Rows, int Vectors, class B>
[[gnu::always_inline]] inline void block(float* c, std::int64_t c_stride, const TileView<float>& a,
                                         const B* b, std::int64_t b_stride, std::int64_t k) {
  Vector sums[Rows][Vectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      sums[r][v] = *reinterpret_cast<const Vector*>(c + r * c_stride + v * kWidth);
    }
  }
  for (std::int64_t p = 0; p < k; ++p) {
    const float* column = a.data + p * a.column_stride;
    for (int v = 0; v < Vectors; ++v) {
      Vector values;
      load16(b + p * b_stride + v * kWidth, values);
      for (int r = 0; r < Rows; ++r) {
        sums[r][v] += column[r * a.row_stride] * values;
      }
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      *reinterpret_cast<Vector*>(c + r * c_stride + v * kWidth) = sums[r][v];
    }
  }
}

template <int Rows, class B>
[[gnu::always_inline]] inline void rows(float* c, std::int64_t c_stride, const TileView<float>& a, const B* b,
                                        std::int64_t b_stride, std::int64_t n, std::int64_t k) {
  std::int64_t j = 0;
  for (; j + 2 * kWidth <= n; j += 2 * kWidth) {
    block<Rows, 2>(c + j, c_stride, a, b + j, b_stride, k);
  }
  if (j < n) {
    block<Rows, 1>(c + j, c_stride, a, b + j, b_stride, k);
  }
}

template <class B>
[[gnu::always_inline]] inline void product(float* c, std::int64_t c_stride, const TileView<float>& a,
                                           const B* b, std::int64_t b_stride, std::int64_t m, std::int64_t n,
                                           std::int64_t k) {
  constexpr int kRows = 3;
  std::int64_t i = 0;
  for (; i + kRows <= m; i += kRows) {
    rows<kRows>(c + i * c_stride, c_stride, {a.data + i * a.row_stride, a.row_stride, a.column_stride}, b,
                b_stride, n, k);
  }
  for (; i < m; ++i) {
    rows<1>(c + i * c_stride, c_stride, {a.data + i * a.row_stride, a.row_stride, a.column_stride}, b,
            b_stride, n, k);
  }
}

}  // namespace

LORE_SIMD void add_tile_product(float* c, std::int64_t c_stride, const TileView<float>& a, const float* b,
                                std::int64_t b_stride, std::int64_t m, std::int64_t n, std::int64_t k) {
  product(c, c_stride, a, b, b_stride, m, n, k);
}

LORE_SIMD void add_tile_product(float* c, std::int64_t c_stride, const TileView<float>& a,
                                const c10::BFloat16* b, std::int64_t b_stride, std::int64_t m, std::int64_t n,
                                std::int64_t k) {
  product(c, c_stride, a, b, b_stride, m, n, k);
}

}  // namespace lore
