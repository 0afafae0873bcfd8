#pragma once

#include <ATen/core/Tensor.h>

namespace lore {

/// Rotates x [N, H, d] in place by the angle of each token: element i of the first half is paired
/// with element i of the second, as transformers' rotate_half does. cos, sin [N, d/2] float32, one
/// row a token. `inverse` rotates back, which is the backward since a rotation's transpose is its inverse
/// (with scaled tables, cos² + sin² ≠ 1, it stays the transpose). Source: Su et al., arXiv:2104.09864.
/// Throws: Error(kInternal) on shapes, types or strides that do not match.
void rope_inplace(at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, bool inverse);

}  // namespace lore
