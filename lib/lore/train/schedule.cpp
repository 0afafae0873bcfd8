#include "lore/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lore/core/error.h"

namespace lore {

LrSchedule::LrSchedule(const TrainingSpec& spec, std::int64_t total_steps)
    : spec_(spec),
      total_steps_(total_steps),
      warmup_steps_(spec.warmup_steps > 0 ? spec.warmup_steps
                                          : static_cast<std::int64_t>(std::ceil(
                                                spec.warmup_ratio * static_cast<double>(total_steps)))) {}

double LrSchedule::at(std::int64_t step) const { return spec_.learning_rate * factor(step); }

double LrSchedule::factor(std::int64_t step) const {
  const std::string& type = spec_.lr_scheduler_type;
  if (type == "constant") {
    return 1.0;
  }
  if (step < warmup_steps_) {
    return static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, warmup_steps_));
  }
  if (type == "constant_with_warmup") {
    return 1.0;
  }
  const auto decay_steps = static_cast<double>(std::max<std::int64_t>(1, total_steps_ - warmup_steps_));
  const double progress = static_cast<double>(step - warmup_steps_) / decay_steps;
  if (type == "linear") {
    return std::max(0.0, static_cast<double>(total_steps_ - step) / decay_steps);
  }
  if (type == "cosine") {
    const double cycles = spec_.lr_scheduler_kwargs.num_cycles.value_or(0.5);
    return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * cycles * 2.0 * progress)));
  }
  if (type == "cosine_with_restarts") {
    const double cycles = spec_.lr_scheduler_kwargs.num_cycles.value_or(1.0);
    return progress >= 1.0
               ? 0.0
               : std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * std::fmod(cycles * progress, 1.0))));
  }
  if (type == "polynomial") {
    const double end = spec_.lr_scheduler_kwargs.lr_end / spec_.learning_rate;
    return step > total_steps_
               ? end
               : (1.0 - end) * std::pow(1.0 - progress, spec_.lr_scheduler_kwargs.power) + end;
  }
  throw Error(ErrorKind::kUsage, "training.lr_scheduler_type", "\"" + type + "\" is not known");
}

}  // namespace lore
