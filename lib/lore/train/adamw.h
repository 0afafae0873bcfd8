#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lore/recipe/specs.h"

namespace lore {

/// AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101), by LibTorch's fused
/// operator. Parameters are fp32 and updated in place.
class AdamW {
 public:
  AdamW(std::vector<at::Tensor> parameters, const TrainingSpec& spec);

  /// One step with `gradients` in the order of the parameters.
  void step(const std::vector<at::Tensor>& gradients, double learning_rate);

 private:
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> first_moments_;
  std::vector<at::Tensor> second_moments_;
  std::vector<at::Tensor> steps_;
  double beta1_;
  double beta2_;
  double epsilon_;
  double weight_decay_;
};

}  // namespace lore
