#pragma once

#include <ATen/core/Tensor.h>

namespace lore {

/// h = silu(gate) · up, element by element, [N, F]; computed in float32 and rounded once.
/// Source: Shazeer, arXiv:2002.05202.
/// Throws: Error(kInternal) on shapes, types or strides that do not match.
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

/// The gradients of swiglu. dgate and dup have gate's shape and type, and may be the very tensors
/// gate and up (or dh) where those are not needed any more.
void swiglu_backward(const at::Tensor& dh, const at::Tensor& gate, const at::Tensor& up, at::Tensor& dgate,
                     at::Tensor& dup);

}  // namespace lore
