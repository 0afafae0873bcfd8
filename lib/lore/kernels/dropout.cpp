#include "lore/kernels/dropout.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>

#include "lore/core/philox.h"
#include "lore/kernels/checks.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"

namespace lore {
namespace {

/// Elements handled at a time: four for each Philox block.
constexpr std::int64_t kBlock = 256;
constexpr std::int64_t kCounters = kBlock / 4;

/// factor[i] = `keep_scale` where element `first` + i is kept, else 0. The same as philox4x32 of core
/// counter by counter, laid out so that the compiler turns it into vector code.
LORE_SIMD void keep_factors(float* factor, std::uint64_t first, std::uint64_t key, std::uint32_t stream,
                            std::uint32_t threshold, float keep_scale) {
  std::uint32_t c0[kCounters];
  std::uint32_t c1[kCounters];
  std::uint32_t c2[kCounters];
  std::uint32_t c3[kCounters];
  for (std::int64_t i = 0; i < kCounters; ++i) {
    const std::uint64_t block = first / 4 + static_cast<std::uint64_t>(i);
    c0[i] = static_cast<std::uint32_t>(block);
    c1[i] = static_cast<std::uint32_t>(block >> 32);
    c2[i] = stream;
    c3[i] = 0;
  }
  auto k0 = static_cast<std::uint32_t>(key);
  auto k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (std::int64_t i = 0; i < kCounters; ++i) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53U} * c0[i];
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57U} * c2[i];
      c0[i] = static_cast<std::uint32_t>(p1 >> 32) ^ c1[i] ^ k0;
      c1[i] = static_cast<std::uint32_t>(p1);
      c2[i] = static_cast<std::uint32_t>(p0 >> 32) ^ c3[i] ^ k1;
      c3[i] = static_cast<std::uint32_t>(p0);
    }
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  for (std::int64_t i = 0; i < kCounters; ++i) {
    factor[4 * i] = c0[i] < threshold ? 0.0F : keep_scale;
    factor[4 * i + 1] = c1[i] < threshold ? 0.0F : keep_scale;
    factor[4 * i + 2] = c2[i] < threshold ? 0.0F : keep_scale;
    factor[4 * i + 3] = c3[i] < threshold ? 0.0F : keep_scale;
  }
}

LORE_SIMD void multiply(float* y, const float* x, const float* factor, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    y[i] = x[i] * factor[i];
  }
}

}  // namespace

at::Tensor dropout(const at::Tensor& x, double p, std::uint64_t key, std::uint32_t layer_stream) {
  check_argument(is_supported(x) && p >= 0 && p < 1, "dropout", "a contiguous float tensor and 0 <= p < 1");
  if (!x.is_cpu()) {
    return dropout(x.cpu(), p, key, layer_stream).to(x.device());
  }
  at::Tensor y = at::empty_like(x);
  const auto threshold = static_cast<std::uint32_t>(p * 4294967296.0);
  const auto keep_scale = static_cast<float>(1.0 / (1.0 - p));
  dispatch_dtype(x, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    const T* source = x.data_ptr<T>();
    T* target = y.data_ptr<T>();
    const std::int64_t blocks = (x.numel() + kBlock - 1) / kBlock;
    parallel_for(0, blocks, 64, [&](std::int64_t begin, std::int64_t end) {
      float factor[kBlock];
      float in[kBlock];
      float out[kBlock];
      for (std::int64_t block = begin; block < end; ++block) {
        const std::int64_t first = block * kBlock;
        const std::int64_t count = std::min(kBlock, x.numel() - first);
        keep_factors(factor, static_cast<std::uint64_t>(first), key, layer_stream, threshold, keep_scale);
        float* y_block = simd::out_row(target + first, out);
        multiply(y_block, simd::row(source + first, in, count), factor, count);
        simd::finish_row(target + first, y_block, count);
      }
    });
  });
  return y;
}

}  // namespace lore
