#include "lore/kernels/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <vector>

#include "lore/kernels/checks.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"

namespace lore {
namespace {

LORE_SIMD void rotate(float* x, const float* cos, const float* sin, float sign, std::int64_t half) {
  for (std::int64_t i = 0; i < half; ++i) {
    const float first = x[i];
    const float second = x[i + half];
    const float s = sign * sin[i];
    x[i] = first * cos[i] - second * s;
    x[i + half] = second * cos[i] + first * s;
  }
}

}  // namespace

void rope_inplace(at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool inverse) {
  check_argument(x.dim() == 3 && is_supported(x) && x.size(2) % 2 == 0 && cos.dim() == 2 &&
                     cos.size(0) == x.size(0) && cos.size(1) * 2 == x.size(2) && cos.sizes() == sin.sizes() &&
                     cos.is_contiguous() && sin.is_contiguous() && cos.scalar_type() == at::kFloat,
                 "rope", "contiguous x [N, H, d] and float32 tables [N, d/2]");
  const std::int64_t d = x.size(2);
  const std::int64_t half = d / 2;
  const float sign = inverse ? -1.0F : 1.0F;
  if (!x.is_cpu()) {
    const at::Tensor wide = x.to(at::kFloat);
    const at::Tensor first = wide.narrow(2, 0, half);
    const at::Tensor second = wide.narrow(2, half, half);
    const at::Tensor c = cos.unsqueeze(1);
    const at::Tensor s = sin.unsqueeze(1) * sign;
    x.copy_(at::cat({first * c - second * s, second * c + first * s}, 2));
    return;
  }
  const std::int64_t heads = x.size(1);
  const float* cos_data = cos.data_ptr<float>();
  const float* sin_data = sin.data_ptr<float>();
  dispatch_dtype(x, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    T* data = x.data_ptr<T>();
    const std::int64_t grain = std::max<std::int64_t>(1, 16384 / std::max<std::int64_t>(1, heads * d));
    parallel_for(0, x.size(0), grain, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> scratch(static_cast<std::size_t>(d));
      for (std::int64_t n = begin; n < end; ++n) {
        for (std::int64_t h = 0; h < heads; ++h) {
          T* head = data + (n * heads + h) * d;
          float* values = simd::out_row(head, scratch.data());
          simd::row(head, values, d);
          rotate(values, cos_data + n * half, sin_data + n * half, sign, half);
          simd::finish_row(head, values, d);
        }
      }
    });
  });
}

}  // namespace lore
