#pragma once

#include <cstdint>
#include <string>

namespace lore {

struct TrainingState;

/// What a run is going to do.
struct TrainPlan {
  std::int64_t examples = 0;
  std::int64_t validation_examples = 0;
  std::int64_t total_steps = 0;
  std::int64_t steps_per_epoch = 0;
  double packing_efficiency = 0;  ///< tokens over the room of all packs; 0 without packing
};

/// One optimizer step.
struct StepMetrics {
  std::int64_t step = 0;  ///< from 1
  double epoch = 0;       ///< epochs seen after this step
  double loss = 0;        ///< mean cross-entropy over the step's trained tokens, nats
  double learning_rate = 0;
  double grad_norm = 0;  ///< before clipping
  std::int64_t trained_tokens = 0;
  std::int64_t tokens = 0;
  double seconds = 0;
  std::int64_t peak_rss_bytes = 0;
};

/// An optimizer step that was left out as its loss or gradient was not finite.
struct SkippedStep {
  std::int64_t step = 0;
  std::string why;
};

/// One pass over the validation set.
struct ValidationMetrics {
  std::int64_t step = 0;  ///< optimizer steps done; 0 = before training
  double loss = 0;        ///< mean cross-entropy over all trained tokens, nats
  std::int64_t trained_tokens = 0;
  double seconds = 0;
  bool best = false;  ///< the lowest loss so far
};

/// Told of everything a run does, in order, on the training thread.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;
  virtual void on_start(const TrainPlan& plan) = 0;
  virtual void on_step(const StepMetrics& metrics) = 0;
  virtual void on_validation(const ValidationMetrics& metrics) = 0;
  /// An optimizer step was left out; `why` names what was not finite, and where.
  virtual void on_skipped(const SkippedStep& step) = 0;
  /// A checkpoint is due. `state` is the run's own: training changes it as soon as this returns.
  virtual void on_checkpoint(const TrainingState& state) = 0;
};

}  // namespace lore
