#include "lore/kernels/swiglu.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>

#include <algorithm>

#include "lore/kernels/checks.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"

namespace lore {
namespace {

/// Elements are worked on in blocks that stay in the first-level cache.
constexpr std::int64_t kBlock = 1024;

LORE_SIMD void forward_block(float* h, const float* gate, const float* up, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    h[i] = gate[i] / (1.0F + simd::exp(-gate[i])) * up[i];
  }
}

LORE_SIMD void backward_block(float* dgate, float* dup, const float* dh, const float* gate, const float* up,
                              std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gate[i];
    const float u = up[i];
    const float d = dh[i];
    const float s = 1.0F / (1.0F + simd::exp(-g));
    dgate[i] = d * u * s * (1.0F + g * (1.0F - s));
    dup[i] = d * g * s;
  }
}

void check(const at::Tensor& gate, const at::Tensor& up) {
  check_argument(is_supported(gate) && is_supported(up) && gate.sizes() == up.sizes() &&
                     gate.scalar_type() == up.scalar_type(),
                 "swiglu", "contiguous gate and up of one shape and float type");
}

}  // namespace

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  check(gate, up);
  if (!gate.is_cpu()) {
    return (at::silu(gate.to(at::kFloat)) * up.to(at::kFloat)).to(gate.scalar_type());
  }
  at::Tensor h = at::empty_like(gate);
  dispatch_dtype(gate, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    const T* g = gate.data_ptr<T>();
    const T* u = up.data_ptr<T>();
    T* out = h.data_ptr<T>();
    parallel_for(0, gate.numel(), 16 * kBlock, [&](std::int64_t begin, std::int64_t end) {
      float scratch[3][kBlock];
      for (std::int64_t i = begin; i < end; i += kBlock) {
        const std::int64_t count = std::min(kBlock, end - i);
        float* h_block = simd::out_row(out + i, scratch[2]);
        forward_block(h_block, simd::row(g + i, scratch[0], count), simd::row(u + i, scratch[1], count),
                      count);
        simd::finish_row(out + i, h_block, count);
      }
    });
  });
  return h;
}

void swiglu_backward(const at::Tensor& dh, const at::Tensor& gate, const at::Tensor& up, at::Tensor& dgate,
                     at::Tensor& dup) {
  check(gate, up);
  check(dh, gate);
  check(dgate, gate);
  check(dup, gate);
  if (!gate.is_cpu()) {
    const at::Tensor g = gate.to(at::kFloat);
    const at::Tensor d = dh.to(at::kFloat);
    const at::Tensor s = at::sigmoid(g);
    const at::Tensor new_dgate = d * up.to(at::kFloat) * s * (1 + g * (1 - s));
    dup.copy_(d * g * s);
    dgate.copy_(new_dgate);
    return;
  }
  dispatch_dtype(gate, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    const T* d = dh.data_ptr<T>();
    const T* g = gate.data_ptr<T>();
    const T* u = up.data_ptr<T>();
    T* dg = dgate.data_ptr<T>();
    T* du = dup.data_ptr<T>();
    parallel_for(0, gate.numel(), 16 * kBlock, [&](std::int64_t begin, std::int64_t end) {
      float scratch[5][kBlock];
      for (std::int64_t i = begin; i < end; i += kBlock) {
        const std::int64_t count = std::min(kBlock, end - i);
        float* dg_block = simd::out_row(dg + i, scratch[3]);
        float* du_block = simd::out_row(du + i, scratch[4]);
        backward_block(dg_block, du_block, simd::row(d + i, scratch[0], count),
                       simd::row(g + i, scratch[1], count), simd::row(u + i, scratch[2], count), count);
        simd::finish_row(dg + i, dg_block, count);
        simd::finish_row(du + i, du_block, count);
      }
    });
  });
}

}  // namespace lore
