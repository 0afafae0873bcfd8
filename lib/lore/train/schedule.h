#pragma once

#include <cstdint>

#include "lore/recipe/specs.h"

namespace lore {

/// Learning rate over the steps of a run, as transformers' get_scheduler computes it: linear warm-up
/// from 0, then the decay that `lr_scheduler_type` names.
class LrSchedule {
 public:
  /// `total_steps` is the number of optimizer steps of the whole run.
  /// Warm-up lasts `warmup_steps`, or `warmup_ratio` of the run rounded up when that is 0.
  LrSchedule(const TrainingSpec& spec, std::int64_t total_steps);

  /// The learning rate of optimizer step `step`, counted from 0.
  double at(std::int64_t step) const;
  std::int64_t warmup_steps() const { return warmup_steps_; }

 private:
  double factor(std::int64_t step) const;

  TrainingSpec spec_;
  std::int64_t total_steps_;
  std::int64_t warmup_steps_;
};

}  // namespace lore
