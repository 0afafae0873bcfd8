#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lore/recipe/specs.h"
#include "lore/train/gradient_sum.h"

namespace lore {

/// What AdamW remembers, in the order of the parameters.
struct AdamWState {
  std::int64_t steps = 0;
  std::vector<at::Tensor> first_moments;
  std::vector<at::Tensor> second_moments;
};

/// AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101), by LibTorch's fused
/// operator. Parameters are fp32 and updated in place. With a `loraplus_lr_ratio` above 1 (LoRA+, Hayou et
/// al., arXiv:2402.12354) the faster parameters have that many times the learning rate, and a low-rank update
/// of the embeddings has `loraplus_lr_embedding` on the same schedule.
class AdamW {
 public:
  AdamW(const std::vector<TrainedParameter>& parameters, const TrainingSpec& spec);

  /// One step with `gradients` in the order of the parameters.
  void step(const std::vector<at::Tensor>& gradients, double learning_rate);

  /// The tensors are the optimizer's own: a later step changes them.
  AdamWState state() const;
  /// Goes on from `state`. REQUIRES the shapes of the parameters.
  void restore(const AdamWState& state);

 private:
  /// Parameters of one learning rate and their state.
  struct Group {
    double rate_ratio;
    std::vector<std::size_t> places;  ///< in the list of all
    std::vector<at::Tensor> parameters;
    std::vector<at::Tensor> first_moments;
    std::vector<at::Tensor> second_moments;
    std::vector<at::Tensor> steps;
  };

  std::vector<Group> groups_;
  std::size_t parameter_count_;
  std::int64_t steps_ = 0;
  double beta1_;
  double beta2_;
  double epsilon_;
  double weight_decay_;
};

}  // namespace lore
