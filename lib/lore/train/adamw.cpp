#include "lore/train/adamw.h"

#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace lore {

AdamW::AdamW(std::vector<at::Tensor> parameters, const TrainingSpec& spec)
    : parameters_(std::move(parameters)),
      beta1_(spec.adam_beta1),
      beta2_(spec.adam_beta2),
      epsilon_(spec.adam_epsilon),
      weight_decay_(spec.weight_decay) {
  for (const at::Tensor& parameter : parameters_) {
    first_moments_.push_back(at::zeros_like(parameter));
    second_moments_.push_back(at::zeros_like(parameter));
    steps_.push_back(at::zeros({}, parameter.options()));
  }
}

void AdamW::step(const std::vector<at::Tensor>& gradients, double learning_rate) {
  for (at::Tensor& count : steps_) {
    count.add_(1);
  }
  at::_fused_adamw_(parameters_, gradients, first_moments_, second_moments_, /*max_exp_avg_sqs=*/{}, steps_,
                    learning_rate, beta1_, beta2_, weight_decay_, epsilon_, /*amsgrad=*/false,
                    /*maximize=*/false);
}

}  // namespace lore
