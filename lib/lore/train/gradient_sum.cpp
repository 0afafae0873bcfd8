#include "lore/train/gradient_sum.h"

#include <ATen/ops/dot.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "lore/kernels/gradient_rows.h"
#include "lore/kernels/matmul.h"

namespace lore {
namespace {

/// Whether the tensor holds places in an identity matrix rather than its rows.
bool is_row_ids(const at::Tensor& dy) { return dy.scalar_type() == at::kLong; }

}  // namespace

std::vector<at::Tensor> trainable_parameters(const AdapterSet& adapters) {
  std::vector<at::Tensor> parameters;
  for (const std::size_t linear : adapters.linears()) {
    const LowRank& low_rank = *adapters.find(linear);
    parameters.push_back(low_rank.a);
    parameters.push_back(low_rank.b);
  }
  for (const FullParameter& parameter : adapters.full().list()) {
    parameters.push_back(parameter.master);
  }
  return parameters;
}

GradientSum::GradientSum(const AdapterSet& adapters) {
  for (const std::size_t linear : adapters.linears()) {
    place_.resize(linear + 1);
    place_[linear] = gradients_.size();
    const LowRank& low_rank = *adapters.find(linear);
    gradients_.push_back(at::zeros_like(low_rank.a));
    gradients_.push_back(at::zeros_like(low_rank.b));
  }
  for (const FullParameter& parameter : adapters.full().list()) {
    full_place_[parameter.name] = gradients_.size();
    gradients_.push_back(at::zeros_like(parameter.master));
  }
}

void GradientSum::accumulate(std::size_t linear, const LowRankGradient& gradient) {
  const std::size_t place = place_[linear];
  gradients_[place].add_(matmul_tn(gradient.du.to(at::kFloat), gradient.x.to(at::kFloat)));
  if (is_row_ids(gradient.dy)) {
    add_rows(gradients_[place + 1], gradient.dy, gradient.u);
  } else {
    gradients_[place + 1].add_(matmul_tn(gradient.dy.to(at::kFloat), gradient.u.to(at::kFloat)));
  }
}

void GradientSum::accumulate(const FullParameter& parameter, const FullGradient& gradient) {
  at::Tensor& sum = gradients_[full_place_.at(parameter.name)];
  if (is_row_ids(gradient.dy)) {
    add_rows(sum, gradient.dy, gradient.x);
  } else if (gradient.x.defined()) {
    matmul_tn_add(sum, gradient.dy, gradient.x);
  } else {
    add_row_sum(sum, gradient.dy);
  }
}

void GradientSum::zero() {
  for (at::Tensor& gradient : gradients_) {
    gradient.zero_();
  }
}

double GradientSum::norm() const {
  double squares = 0;
  for (const at::Tensor& gradient : gradients_) {
    const at::Tensor flat = gradient.view(-1);
    squares += static_cast<double>(at::dot(flat, flat).item<float>());
  }
  return std::sqrt(squares);
}

void GradientSum::clip(double norm, double max_norm) {
  const double factor = max_norm / (norm + 1e-6);
  if (factor < 1.0) {
    for (at::Tensor& gradient : gradients_) {
      gradient.mul_(factor);
    }
  }
}

}  // namespace lore
