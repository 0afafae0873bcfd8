#pragma once

#include <ATen/ATen.h>

/// Seeded normal tensor, on fp32 or rounded to bf16.
inline at::Tensor random_tensor(at::IntArrayRef shape, at::ScalarType dtype = at::kFloat,
                                std::uint64_t seed = 1) {
  at::manual_seed(seed);
  return at::randn(shape).to(dtype);
}

/// The same values as an fp32 leaf that autograd follows.
inline at::Tensor leaf(const at::Tensor& x) { return x.to(at::kFloat).clone().set_requires_grad(true); }

/// |a - b| / |b| in the L2 norm.
inline double relative_difference(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.to(at::kDouble);
  const double norm = wide.norm().item<double>();
  return (a.to(at::kDouble) - wide).norm().item<double>() / (norm > 0 ? norm : 1.0);
}

/// What a result in `dtype` may differ from the exact one: rounding of inputs is shared, of outputs is not.
inline double tolerance(at::ScalarType dtype) { return dtype == at::kFloat ? 1e-5 : 6e-3; }
