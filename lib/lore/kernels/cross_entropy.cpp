#include "lore/kernels/cross_entropy.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "lore/kernels/checks.h"
#include "lore/kernels/matmul.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/simd.h"
#include "lore/kernels/trained_rows.h"

namespace lore {
namespace {

LORE_SIMD float largest(const float* x, std::int64_t count) {
  float lanes[simd::kLanes];
  std::fill_n(lanes, simd::kLanes, -std::numeric_limits<float>::infinity());
  std::int64_t i = 0;
  for (; i + simd::kLanes <= count; i += simd::kLanes) {
    for (std::int64_t lane = 0; lane < simd::kLanes; ++lane) {
      lanes[lane] = x[i + lane] > lanes[lane] ? x[i + lane] : lanes[lane];
    }
  }
  for (; i < count; ++i) {
    lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  }
  return *std::max_element(lanes, lanes + simd::kLanes);
}

/// x = e^(x - shift); returns their sum.
LORE_SIMD double exponentials(float* x, float shift, std::int64_t count) {
  constexpr std::int64_t kBlock = 4096;
  double total = 0;
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::int64_t last = std::min(count, first + kBlock);
    float lanes[simd::kLanes] = {};
    std::int64_t i = first;
    for (; i + simd::kLanes <= last; i += simd::kLanes) {
      for (std::int64_t lane = 0; lane < simd::kLanes; ++lane) {
        x[i + lane] = simd::exp(x[i + lane] - shift);
        lanes[lane] += x[i + lane];
      }
    }
    for (; i < last; ++i) {
      x[i] = simd::exp(x[i] - shift);
      lanes[0] += x[i];
    }
    total += static_cast<double>(simd::sum_of(lanes));
  }
  return total;
}

LORE_SIMD void scale(float* x, float factor, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    x[i] *= factor;
  }
}

/// Turns each row of `logits` into the gradient of its loss times grad_scale, in place, and returns the
/// losses. A NaN anywhere in a row gives a NaN loss.
std::vector<double> softmax_rows(at::Tensor& logits, const std::int64_t* targets, double grad_scale,
                                 bool want_gradient) {
  const std::int64_t v = logits.size(1);
  std::vector<double> losses(static_cast<std::size_t>(logits.size(0)));
  float* data = logits.data_ptr<float>();
  parallel_for(0, logits.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      float* row = data + n * v;
      const float target = row[targets[n]];
      const float shift = largest(row, v);
      const double total = exponentials(row, shift, v);
      losses[static_cast<std::size_t>(n)] =
          std::log(total) + static_cast<double>(shift) - static_cast<double>(target);
      if (want_gradient) {
        scale(row, static_cast<float>(grad_scale / total), v);
        row[targets[n]] -= static_cast<float>(grad_scale);
      }
    }
  });
  return losses;
}

/// The same by LibTorch's operators, for tensors that are not on the CPU.
double softmax_on_device(at::Tensor& logits, const at::Tensor& targets, double grad_scale) {
  const at::Tensor log_p = at::log_softmax(logits, -1);
  const at::Tensor index = targets.to(logits.device()).unsqueeze(1);
  const double loss = -log_p.gather(1, index).to(at::kDouble).sum().item<double>();
  logits = log_p.exp();
  logits.scatter_add_(1, index, -at::ones({logits.size(0), 1}, logits.options()));
  logits.mul_(grad_scale);
  return loss;
}

/// hidden·wᵀ with a frozen w.
class FrozenLayer final : public LogitLayer {
 public:
  explicit FrozenLayer(const at::Tensor& w) : w_(w) {}

  std::int64_t vocabulary() const override { return w_.size(0); }
  at::Tensor forward(const at::Tensor& x) override { return matmul_nt(x, w_); }
  at::Tensor backward(const at::Tensor& dlogits) override { return matmul_nn(dlogits, w_); }

 private:
  const at::Tensor& w_;
};

}  // namespace

LinearCrossEntropyResult linear_cross_entropy(const at::Tensor& hidden, LogitLayer& layer,
                                              const std::vector<std::int32_t>& labels, double grad_scale,
                                              bool want_gradient) {
  check_argument(
      hidden.dim() == 2 && is_supported(hidden) && static_cast<std::int64_t>(labels.size()) == hidden.size(0),
      "linear_cross_entropy", "hidden [N, D] and N labels");
  const std::int64_t v = layer.vocabulary();
  TrainedRows trained = trained_rows(labels, v, "linear_cross_entropy");
  LinearCrossEntropyResult result;
  result.count = static_cast<std::int64_t>(trained.rows.size());
  if (want_gradient) {
    result.dhidden = at::zeros_like(hidden);
  }
  const std::int64_t chunk = std::max<std::int64_t>(1, kLogitsBytes / (v * 4));
  for (std::int64_t first = 0; first < result.count; first += chunk) {
    const std::int64_t count = std::min(chunk, result.count - first);
    const at::Tensor index =
        at::from_blob(trained.rows.data() + first, {count}, at::kLong).to(hidden.device());
    const at::Tensor x = at::index_select(hidden, 0, index);
    at::Tensor logits = layer.forward(x).to(at::kFloat);
    if (hidden.is_cpu()) {
      for (const double loss :
           softmax_rows(logits, trained.labels.data() + first, grad_scale, want_gradient)) {
        result.loss_sum += loss;
      }
    } else {
      result.loss_sum += softmax_on_device(
          logits, at::from_blob(trained.labels.data() + first, {count}, at::kLong), grad_scale);
    }
    if (want_gradient) {
      result.dhidden.index_copy_(0, index, layer.backward(logits.to(hidden.scalar_type())));
    }
  }
  return result;
}

LinearCrossEntropyResult linear_cross_entropy(const at::Tensor& hidden, const at::Tensor& w,
                                              const std::vector<std::int32_t>& labels, double grad_scale,
                                              bool want_gradient) {
  FrozenLayer layer(w);
  return linear_cross_entropy(hidden, layer, labels, grad_scale, want_gradient);
}

}  // namespace lore
