#pragma once

#include <ATen/core/Tensor.h>

namespace lore {

// Matrix products over row-major matrices whose last dimension is contiguous; float32 and bfloat16
// may be mixed. Sums are float32 and are rounded once, to the type of the result. The result is
// bitwise the same for any number of threads. A frozen weight may lie in a read-only file mapping.
// Throws: Error(kInternal) on shapes that do not match, strided rows or another type.

/// Whether this CPU multiplies bfloat16 natively (AVX-512 BF16) and LibTorch is allowed to use it.
bool has_native_bf16();

/// y = x·wᵀ: x [N, in], w [out, in], y [N, out] of x's type.
at::Tensor matmul_nt(const at::Tensor& x, const at::Tensor& w);
/// The same into `y`, whose type may differ from x's.
void matmul_nt_out(at::Tensor& y, const at::Tensor& x, const at::Tensor& w);

/// dx = dy·w: dy [N, out], w [out, in], dx [N, in] of dy's type. The backward of matmul_nt for x.
at::Tensor matmul_nn(const at::Tensor& dy, const at::Tensor& w);
/// The same into `dx`, whose type may differ from dy's.
void matmul_nn_out(at::Tensor& dx, const at::Tensor& dy, const at::Tensor& w);

/// c = aᵀ·b: a [N, m], b [N, n], c [m, n] float32 if either is float32, else bfloat16.
/// The backward of matmul_nt for w.
at::Tensor matmul_tn(const at::Tensor& a, const at::Tensor& b);
/// The same into `c`, whose type may differ from a's and b's.
void matmul_tn_out(at::Tensor& c, const at::Tensor& a, const at::Tensor& b);
/// c += aᵀ·b in float32, without a second [m, n]: c is float32.
void matmul_tn_add(at::Tensor& c, const at::Tensor& a, const at::Tensor& b);

}  // namespace lore
