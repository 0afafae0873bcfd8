#include "lore/kernels/rms_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/rsqrt.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lore/kernels/checks.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"

namespace lore {
namespace {

LORE_SIMD float sum_of_squares(const float* x, std::int64_t d) {
  float lanes[simd::kLanes] = {};
  std::int64_t i = 0;
  for (; i + simd::kLanes <= d; i += simd::kLanes) {
    for (std::int64_t lane = 0; lane < simd::kLanes; ++lane) {
      lanes[lane] += x[i + lane] * x[i + lane];
    }
  }
  for (; i < d; ++i) {
    lanes[i % simd::kLanes] += x[i] * x[i];
  }
  return simd::sum_of(lanes);
}

LORE_SIMD void scale_row(float* y, const float* x, float rstd, std::int64_t d) {
  for (std::int64_t i = 0; i < d; ++i) {
    y[i] = x[i] * rstd;
  }
}

LORE_SIMD void multiply_row(float* y, const float* weight, std::int64_t d) {
  for (std::int64_t i = 0; i < d; ++i) {
    y[i] *= weight[i];
  }
}

/// The sum over i of dy_i * weight_i * x_i.
LORE_SIMD float weighted_dot(const float* dy, const float* weight, const float* x, std::int64_t d) {
  float lanes[simd::kLanes] = {};
  std::int64_t i = 0;
  for (; i + simd::kLanes <= d; i += simd::kLanes) {
    for (std::int64_t lane = 0; lane < simd::kLanes; ++lane) {
      lanes[lane] += dy[i + lane] * weight[i + lane] * x[i + lane];
    }
  }
  for (; i < d; ++i) {
    lanes[i % simd::kLanes] += dy[i] * weight[i] * x[i];
  }
  return simd::sum_of(lanes);
}

/// dx = rstd * (weight * dy - x * rstd^2 * mean(weight * dy * x)), added to `add_to` when that is given.
LORE_SIMD void backward_row(float* dx, const float* dy, const float* x, const float* weight,
                            const float* add_to, float rstd, std::int64_t d) {
  const float slope = weighted_dot(dy, weight, x, d) * rstd * rstd * rstd / static_cast<float>(d);
  if (add_to == nullptr) {
    for (std::int64_t i = 0; i < d; ++i) {
      dx[i] = rstd * weight[i] * dy[i] - slope * x[i];
    }
  } else {
    for (std::int64_t i = 0; i < d; ++i) {
      dx[i] = add_to[i] + (rstd * weight[i] * dy[i] - slope * x[i]);
    }
  }
}

std::int64_t grain(std::int64_t d) { return std::max<std::int64_t>(1, 16384 / d); }

std::vector<float> widened(const at::Tensor& weight) {
  std::vector<float> values(static_cast<std::size_t>(weight.numel()));
  dispatch_dtype(weight, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    const float* row = simd::row(weight.data_ptr<T>(), values.data(), weight.numel());
    std::copy_n(row, weight.numel(), values.data());
  });
  return values;
}

void check(const at::Tensor& x, const at::Tensor& weight) {
  check_argument(x.dim() == 2 && weight.dim() == 1 && x.size(1) == weight.size(0) && is_supported(x) &&
                     is_supported(weight) && weight.scalar_type() == x.scalar_type(),
                 "rms_norm", "contiguous x [N, D] and weight [D] of one float type");
}

void backward_into(at::Tensor& out, bool add, const at::Tensor& dy, const at::Tensor& x,
                   const at::Tensor& weight, const at::Tensor& rstd) {
  check(x, weight);
  check_argument(is_supported(dy) && dy.sizes() == x.sizes() && out.sizes() == x.sizes() &&
                     out.is_contiguous() && dy.scalar_type() == x.scalar_type() &&
                     out.scalar_type() == x.scalar_type(),
                 "rms_norm_backward", "gradients of x's shape and type");
  if (!x.is_cpu()) {
    const at::Tensor normal = x.to(at::kFloat) * rstd.unsqueeze(1);
    const at::Tensor g = dy.to(at::kFloat) * weight.to(at::kFloat);
    const at::Tensor dx = (g - normal * (g * normal).mean(-1, /*keepdim=*/true)) * rstd.unsqueeze(1);
    if (add) {
      out.copy_(out.to(at::kFloat) + dx);
    } else {
      out.copy_(dx);
    }
    return;
  }
  const std::int64_t d = x.size(1);
  const std::vector<float> w = widened(weight);
  const float* scale = rstd.data_ptr<float>();
  dispatch_dtype(x, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    const T* dy_data = dy.data_ptr<T>();
    const T* x_data = x.data_ptr<T>();
    T* out_data = out.data_ptr<T>();
    parallel_for(0, x.size(0), grain(d), [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> scratch(static_cast<std::size_t>(4 * d));
      for (std::int64_t n = begin; n < end; ++n) {
        const float* dy_row = simd::row(dy_data + n * d, scratch.data(), d);
        const float* x_row = simd::row(x_data + n * d, scratch.data() + d, d);
        const float* add_row = add ? simd::row(out_data + n * d, scratch.data() + 2 * d, d) : nullptr;
        float* dx_row = simd::out_row(out_data + n * d, scratch.data() + 3 * d);
        backward_row(dx_row, dy_row, x_row, w.data(), add_row, scale[n], d);
        simd::finish_row(out_data + n * d, dx_row, d);
      }
    });
  });
}

}  // namespace

RmsNormResult rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  check(x, weight);
  if (!x.is_cpu()) {
    const at::Tensor wide = x.to(at::kFloat);
    const at::Tensor rstd = at::rsqrt((wide * wide).mean(-1) + eps);
    return {(wide * rstd.unsqueeze(1)).to(x.scalar_type()) * weight, rstd};
  }
  const std::int64_t d = x.size(1);
  RmsNormResult result{at::empty_like(x), at::empty({x.size(0)}, at::kFloat)};
  const std::vector<float> w = widened(weight);
  float* rstd = result.rstd.data_ptr<float>();
  dispatch_dtype(x, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    const T* x_data = x.data_ptr<T>();
    T* y_data = result.y.data_ptr<T>();
    parallel_for(0, x.size(0), grain(d), [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> scratch(static_cast<std::size_t>(2 * d));
      for (std::int64_t n = begin; n < end; ++n) {
        const float* x_row = simd::row(x_data + n * d, scratch.data(), d);
        const float mean = sum_of_squares(x_row, d) / static_cast<float>(d);
        rstd[n] = 1.0F / std::sqrt(mean + static_cast<float>(eps));
        float* y_row = simd::out_row(y_data + n * d, scratch.data() + d);
        scale_row(y_row, x_row, rstd[n], d);
        // The normalised value is rounded to x's type before the weight comes in, as transformers does.
        simd::finish_row(y_data + n * d, y_row, d);
        simd::row(y_data + n * d, y_row, d);
        multiply_row(y_row, w.data(), d);
        simd::finish_row(y_data + n * d, y_row, d);
      }
    });
  });
  return result;
}

at::Tensor rms_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                             const at::Tensor& rstd) {
  at::Tensor dx = at::empty_like(x);
  backward_into(dx, /*add=*/false, dy, x, weight, rstd);
  return dx;
}

void rms_norm_backward_add(at::Tensor& dresidual, const at::Tensor& dy, const at::Tensor& x,
                           const at::Tensor& weight, const at::Tensor& rstd) {
  backward_into(dresidual, /*add=*/true, dy, x, weight, rstd);
}

}  // namespace lore
