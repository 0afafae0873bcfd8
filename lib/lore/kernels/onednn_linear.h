#pragma once

#include <ATen/core/Tensor.h>

namespace lore {

/// Whether x·Wᵀ of these float32 matrices is best left to oneDNN: LibTorch gives float32 products to MKL,
/// which has but half the speed on processors with AVX-512 that are not Intel's.
bool prefers_onednn(const at::Tensor& x, const at::Tensor& w);

/// x [N, in] and w [out, in], float32 -> x·Wᵀ [N, out]. Either may be a transposed view.
/// REQUIRES prefers_onednn(x, w).
at::Tensor onednn_linear(const at::Tensor& x, const at::Tensor& w);

}  // namespace lore
