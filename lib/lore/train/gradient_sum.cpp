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

/// A where it is trained, B, the magnitude of DoRA.
std::vector<TrainedParameter> parameters_of(const LowRank& low_rank) {
  std::vector<TrainedParameter> parameters;
  if (low_rank.trains_a) {
    parameters.push_back({low_rank.a, RateGroup::kUsual});
  }
  parameters.push_back({low_rank.b, RateGroup::kFaster});
  if (low_rank.is_dora()) {
    parameters.push_back({low_rank.magnitude, RateGroup::kFaster});
  }
  return parameters;
}

}  // namespace

std::vector<std::string> parameter_names(const AdapterSet& adapters,
                                         const std::vector<std::string>& modules) {
  std::vector<std::string> names;
  for (const std::size_t linear : adapters.linears()) {
    const LowRank& low_rank = *adapters.find(linear);
    if (low_rank.trains_a) {
      names.push_back(modules[linear] + ".lora_A");
    }
    names.push_back(modules[linear] + ".lora_B");
    if (low_rank.is_dora()) {
      names.push_back(modules[linear] + ".magnitude");
    }
  }
  for (const FullParameter& parameter : adapters.full().list()) {
    names.push_back(parameter.name);
  }
  return names;
}

std::vector<TrainedParameter> trainable_parameters(const AdapterSet& adapters, std::size_t embeddings) {
  std::vector<TrainedParameter> parameters;
  for (const std::size_t linear : adapters.linears()) {
    for (const TrainedParameter& parameter : parameters_of(*adapters.find(linear))) {
      parameters.push_back({parameter.value, linear == embeddings ? RateGroup::kEmbeddings : parameter.rate});
    }
  }
  for (const FullParameter& parameter : adapters.full().list()) {
    parameters.push_back(
        {parameter.master, parameter.master.dim() == 1 ? RateGroup::kFaster : RateGroup::kUsual});
  }
  return parameters;
}

GradientSum::GradientSum(const AdapterSet& adapters) {
  for (const std::size_t linear : adapters.linears()) {
    place_.resize(linear + 1);
    place_[linear] = gradients_.size();
    for (const TrainedParameter& parameter : parameters_of(*adapters.find(linear))) {
      gradients_.push_back(at::zeros_like(parameter.value));
    }
  }
  for (const FullParameter& parameter : adapters.full().list()) {
    full_place_[parameter.name] = gradients_.size();
    gradients_.push_back(at::zeros_like(parameter.master));
  }
}

void GradientSum::accumulate(std::size_t linear, const LowRankGradient& gradient) {
  std::size_t place = place_[linear];
  if (gradient.x.defined()) {
    gradients_[place++].add_(matmul_tn(gradient.du.to(at::kFloat), gradient.x.to(at::kFloat)));
  }
  if (is_row_ids(gradient.dy)) {
    add_rows(gradients_[place++], gradient.dy, gradient.u);
  } else {
    gradients_[place++].add_(matmul_tn(gradient.dy.to(at::kFloat), gradient.u.to(at::kFloat)));
  }
  if (gradient.dmagnitude.defined()) {
    add_row_sum(gradients_[place], gradient.dmagnitude);
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

std::optional<std::size_t> GradientSum::first_nonfinite() const {
  for (std::size_t i = 0; i < gradients_.size(); ++i) {
    if (!gradients_[i].isfinite().all().item<bool>()) {
      return i;
    }
  }
  return std::nullopt;
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
