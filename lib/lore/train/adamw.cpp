#include "lore/train/adamw.h"

#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

namespace lore {
namespace {

/// The learning rate of a group over the general one.
double rate_ratio(const TrainingSpec& spec, RateGroup group) {
  if (spec.loraplus_lr_ratio == 1 || group == RateGroup::kUsual) {
    return 1;
  }
  return group == RateGroup::kFaster ? spec.loraplus_lr_ratio
                                     : spec.loraplus_lr_embedding / spec.learning_rate;
}

}  // namespace

AdamW::AdamW(const std::vector<TrainedParameter>& parameters, const TrainingSpec& spec)
    : parameter_count_(parameters.size()),
      beta1_(spec.adam_beta1),
      beta2_(spec.adam_beta2),
      epsilon_(spec.adam_epsilon),
      weight_decay_(spec.weight_decay) {
  for (std::size_t place = 0; place < parameters.size(); ++place) {
    const auto& [value, rate] = parameters[place];
    const double ratio = rate_ratio(spec, rate);
    auto group = std::ranges::find(groups_, ratio, &Group::rate_ratio);
    if (group == groups_.end()) {
      group = groups_.insert(groups_.end(), Group{ratio, {}, {}, {}, {}, {}});
    }
    group->places.push_back(place);
    group->parameters.push_back(value);
    group->first_moments.push_back(at::zeros_like(value));
    group->second_moments.push_back(at::zeros_like(value));
    group->steps.push_back(at::zeros({}, value.options()));
  }
}

void AdamW::step(const std::vector<at::Tensor>& gradients, double learning_rate) {
  ++steps_;
  for (Group& group : groups_) {
    std::vector<at::Tensor> own;
    own.reserve(group.places.size());
    for (const std::size_t place : group.places) {
      own.push_back(gradients[place]);
    }
    for (at::Tensor& count : group.steps) {
      count.add_(1);
    }
    at::_fused_adamw_(group.parameters, own, group.first_moments, group.second_moments,
                      /*max_exp_avg_sqs=*/{}, group.steps, learning_rate * group.rate_ratio, beta1_, beta2_,
                      weight_decay_, epsilon_,
                      /*amsgrad=*/false, /*maximize=*/false);
  }
}

AdamWState AdamW::state() const {
  AdamWState state{steps_, std::vector<at::Tensor>(parameter_count_),
                   std::vector<at::Tensor>(parameter_count_)};
  for (const Group& group : groups_) {
    for (std::size_t i = 0; i < group.places.size(); ++i) {
      state.first_moments[group.places[i]] = group.first_moments[i];
      state.second_moments[group.places[i]] = group.second_moments[i];
    }
  }
  return state;
}

void AdamW::restore(const AdamWState& state) {
  steps_ = state.steps;
  for (Group& group : groups_) {
    for (std::size_t i = 0; i < group.places.size(); ++i) {
      group.first_moments[i].copy_(state.first_moments[group.places[i]]);
      group.second_moments[i].copy_(state.second_moments[group.places[i]]);
      group.steps[i].fill_(steps_);
    }
  }
}

}  // namespace lore
