#include "lore/kernels/block_dots_x86.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#include <cstring>

#define LORE_AVX2 __attribute__((target("avx2,fma,f16c")))
#define LORE_AVX512 \
  __attribute__((   \
      target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,prefer-vector-width=512")))
#define LORE_INLINE [[gnu::always_inline]] inline

namespace lore {
namespace {

LORE_INLINE short half_bits(const std::byte* at) {
  short half;
  std::memcpy(&half, at, sizeof half);
  return half;
}

/// Bytes before the codes of a block.
template <BlockForm form>
constexpr std::int64_t kFront = form == BlockForm::kQ4_1 ? 4 : 2;

// AVX-512 VNNI: a pair of blocks at a time. The instruction multiplies unsigned with signed bytes, so codes
// have an offset added, and the product of that offset with x is where the sum begins.

/// Added to the codes to make them unsigned.
template <BlockForm form>
constexpr int kOffset = form == BlockForm::kQ8_0 ? 128 : (form == BlockForm::kQ4_0 ? 8 : 0);

template <BlockForm form>
LORE_AVX512 LORE_INLINE __m512i pair_codes(const std::byte* first, const std::byte* second) {
  if constexpr (form == BlockForm::kQ8_0) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(first + kFront<form>));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(second + kFront<form>));
    return _mm512_xor_si512(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1),
                            _mm512_set1_epi8(static_cast<char>(-128)));
  } else {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(first + kFront<form>));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(second + kFront<form>));
    const __m512i twice = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_broadcastsi128_si256(low)),
                                             _mm256_broadcastsi128_si256(high), 1);
    // The second copy of each block is moved down by half a byte.
    const __m512i shifts = _mm512_set_epi64(4, 4, 0, 0, 4, 4, 0, 0);
    return _mm512_and_si512(_mm512_srlv_epi64(twice, shifts), _mm512_set1_epi8(15));
  }
}

/// The halves at two places as floats, each for the 8 lanes of its block.
LORE_AVX512 LORE_INLINE __m512 pair_of_halves(const std::byte* first, const std::byte* second) {
  return _mm512_cvtph_ps(
      _mm256_mask_set1_epi16(_mm256_set1_epi16(half_bits(first)), 0xFF00, half_bits(second)));
}

template <BlockForm form, int Rows>
LORE_AVX512 LORE_INLINE void avx512_row(const std::byte* w, std::int64_t blocks, const Int8Row* x,
                                        float* sums) {
  __m512 totals[Rows];
  for (int n = 0; n < Rows; ++n) {
    totals[n] = _mm512_setzero_ps();
  }
  const __m512i offset = _mm512_set1_epi8(static_cast<char>(kOffset<form>));
  for (std::int64_t b = 0; b < blocks; b += 2) {
    const std::byte* first = w + b * bytes_of_block(form);
    // Beyond an odd number of blocks x is zeros: any block will do.
    const std::byte* second = b + 1 < blocks ? first + bytes_of_block(form) : first;
    const __m512i codes = pair_codes<form>(first, second);
    const __m512 scales = pair_of_halves(first, second);
    const std::int64_t lane = b * (kBlock / kLane);
    for (int n = 0; n < Rows; ++n) {
      const __m512i numbers = _mm512_loadu_si512(x[n].codes + b * kBlock);
      __m512i dot = _mm512_dpbusd_epi32(_mm512_setzero_si512(), codes, numbers);
      if constexpr (kOffset<form> != 0) {
        dot = _mm512_sub_epi32(dot, _mm512_dpbusd_epi32(_mm512_setzero_si512(), offset, numbers));
      }
      totals[n] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot),
                                  _mm512_mul_ps(scales, _mm512_loadu_ps(x[n].lane_scales + lane)), totals[n]);
      if constexpr (form == BlockForm::kQ4_1) {
        totals[n] = _mm512_fmadd_ps(pair_of_halves(first + 2, second + 2),
                                    _mm512_loadu_ps(x[n].lane_sums + lane), totals[n]);
      }
    }
  }
  for (int n = 0; n < Rows; ++n) {
    sums[n] = _mm512_reduce_add_ps(totals[n]);
  }
}

template <BlockForm form>
LORE_AVX512 void avx512(const std::byte* w, std::int64_t w_rows, std::int64_t blocks, const Int8Row* x,
                        std::int64_t x_rows, float* sums) {
  for (std::int64_t i = 0; i < w_rows; ++i, w += blocks * bytes_of_block(form), sums += kBlockRows) {
    if (x_rows == kBlockRows) {
      avx512_row<form, kBlockRows>(w, blocks, x, sums);
      continue;
    }
    for (std::int64_t n = 0; n < x_rows; ++n) {
      avx512_row<form, 1>(w, blocks, x + n, sums + n);
    }
  }
}

// AVX2: a block at a time. Its instruction, too, wants one side unsigned: the sign of a signed code goes over
// to x.

template <BlockForm form>
LORE_AVX2 LORE_INLINE __m256i block_codes(const std::byte* block) {
  if constexpr (form == BlockForm::kQ8_0) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block + kFront<form>));
  } else {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block + kFront<form>));
    const __m256i halves =
        _mm256_inserti128_si256(_mm256_castsi128_si256(bytes), _mm_srli_epi16(bytes, 4), 1);
    const __m256i codes = _mm256_and_si256(halves, _mm256_set1_epi8(15));
    return form == BlockForm::kQ4_0 ? _mm256_sub_epi8(codes, _mm256_set1_epi8(8)) : codes;
  }
}

LORE_AVX2 LORE_INLINE float sum_of(__m256 lanes) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

template <BlockForm form, int Rows>
LORE_AVX2 LORE_INLINE void avx2_row(const std::byte* w, std::int64_t blocks, const Int8Row* x, float* sums) {
  __m256 totals[Rows];
  for (int r = 0; r < Rows; ++r) {
    totals[r] = _mm256_setzero_ps();
  }
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::int64_t b = 0; b < blocks; ++b) {
    const std::byte* block = w + b * bytes_of_block(form);
    const __m256i codes = block_codes<form>(block);
    const __m256i magnitudes = _mm256_sign_epi8(codes, codes);
    const __m256 scale = _mm256_cvtph_ps(_mm_set1_epi16(half_bits(block)));
    for (int r = 0; r < Rows; ++r) {
      const __m256i numbers = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x[r].codes + b * kBlock));
      const __m256i products = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(numbers, codes));
      const std::int64_t lane = b * (kBlock / kLane);
      totals[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_madd_epi16(products, ones)),
                                  _mm256_mul_ps(scale, _mm256_loadu_ps(x[r].lane_scales + lane)), totals[r]);
      if constexpr (form == BlockForm::kQ4_1) {
        totals[r] = _mm256_fmadd_ps(_mm256_cvtph_ps(_mm_set1_epi16(half_bits(block + 2))),
                                    _mm256_loadu_ps(x[r].lane_sums + lane), totals[r]);
      }
    }
  }
  for (int r = 0; r < Rows; ++r) {
    sums[r] = sum_of(totals[r]);
  }
}

template <BlockForm form>
LORE_AVX2 void avx2(const std::byte* w, std::int64_t w_rows, std::int64_t blocks, const Int8Row* x,
                    std::int64_t x_rows, float* sums) {
  for (std::int64_t i = 0; i < w_rows; ++i, w += blocks * bytes_of_block(form), sums += kBlockRows) {
    if (x_rows == kBlockRows) {
      avx2_row<form, kBlockRows>(w, blocks, x, sums);
      continue;
    }
    for (std::int64_t n = 0; n < x_rows; ++n) {
      avx2_row<form, 1>(w, blocks, x + n, sums + n);
    }
  }
}

template <BlockForm form>
BlockDots dots_of(InstructionSet set) {
  if (set == InstructionSet::kAvx512Vnni && __builtin_cpu_supports("avx512vnni") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return avx512<form>;
  }
  if (set == InstructionSet::kAvx2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return avx2<form>;  // every processor with AVX2 converts halves
  }
  return nullptr;
}

}  // namespace

BlockDots x86_block_dots(BlockForm form, InstructionSet set) {
  switch (form) {
    case BlockForm::kQ8_0:
      return dots_of<BlockForm::kQ8_0>(set);
    case BlockForm::kQ4_0:
      return dots_of<BlockForm::kQ4_0>(set);
    case BlockForm::kQ4_1:
      return dots_of<BlockForm::kQ4_1>(set);
  }
  return nullptr;
}

}  // namespace lore

#else

namespace lore {

BlockDots x86_block_dots(BlockForm /*form*/, InstructionSet /*set*/) { return nullptr; }

}  // namespace lore

#endif
