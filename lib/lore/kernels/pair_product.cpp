#include "lore/kernels/pair_product.h"

#ifdef __x86_64__
#include <immintrin.h>
#else
#include "lore/core/error.h"
#endif

namespace lore {

#ifdef __x86_64__

#define LORE_BF16 __attribute__((target("avx512f,avx512bf16")))

namespace {

constexpr std::int64_t kWidth = 16;

/// `Rows` rows by `Vectors` x 16 columns of c, held in registers over all of k.
template <int Rows, int Vectors>
LORE_BF16 inline void pair_block(float* c, std::int64_t c_stride, const TileView<Bfloat16Pair>& a,
                                 const Bfloat16Pair* b, std::int64_t b_stride, std::int64_t k) {
  __m512 sums[Rows][Vectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      sums[r][v] = _mm512_loadu_ps(c + r * c_stride + v * kWidth);
    }
  }
  for (std::int64_t p = 0; p < k; ++p) {
    __m512bh columns[Vectors];
    for (int v = 0; v < Vectors; ++v) {
      columns[v] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + p * b_stride + v * kWidth));
    }
    for (int r = 0; r < Rows; ++r) {
      const auto row = reinterpret_cast<__m512bh>(
          _mm512_set1_epi32(static_cast<int>(a.data[r * a.row_stride + p * a.column_stride])));
      for (int v = 0; v < Vectors; ++v) {
        sums[r][v] = _mm512_dpbf16_ps(sums[r][v], row, columns[v]);
      }
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      _mm512_storeu_ps(c + r * c_stride + v * kWidth, sums[r][v]);
    }
  }
}

template <int Rows>
LORE_BF16 inline void pair_rows(float* c, std::int64_t c_stride, const TileView<Bfloat16Pair>& a,
                                const Bfloat16Pair* b, std::int64_t b_stride, std::int64_t n,
                                std::int64_t k) {
  std::int64_t j = 0;
  for (; j + 4 * kWidth <= n; j += 4 * kWidth) {
    pair_block<Rows, 4>(c + j, c_stride, a, b + j, b_stride, k);
  }
  for (; j < n; j += kWidth) {
    pair_block<Rows, 1>(c + j, c_stride, a, b + j, b_stride, k);
  }
}

}  // namespace

LORE_BF16 void add_tile_product(float* c, std::int64_t c_stride, const TileView<Bfloat16Pair>& a,
                                const Bfloat16Pair* b, std::int64_t b_stride, std::int64_t m, std::int64_t n,
                                std::int64_t k) {
  const auto from = [&](std::int64_t i) {
    return TileView<Bfloat16Pair>{a.data + i * a.row_stride, a.row_stride, a.column_stride};
  };
  std::int64_t i = 0;
  for (; i + 6 <= m; i += 6) {
    pair_rows<6>(c + i * c_stride, c_stride, from(i), b, b_stride, n, k);
  }
  for (; i + 2 <= m; i += 2) {
    pair_rows<2>(c + i * c_stride, c_stride, from(i), b, b_stride, n, k);
  }
  for (; i < m; ++i) {
    pair_rows<1>(c + i * c_stride, c_stride, from(i), b, b_stride, n, k);
  }
}

#else

void add_tile_product(float* /*c*/, std::int64_t /*c_stride*/, const TileView<Bfloat16Pair>& /*a*/,
                      const Bfloat16Pair* /*b*/, std::int64_t /*b_stride*/, std::int64_t /*m*/,
                      std::int64_t /*n*/, std::int64_t /*k*/) {
  throw Error(ErrorKind::kInternal, "add_tile_product", "this processor has no bfloat16 products");
}

#endif

}  // namespace lore
