#pragma once

#include <atomic>
#include <optional>

#include "lore/adapters/lora.h"
#include "lore/data/batch.h"
#include "lore/data/batch_plan.h"
#include "lore/data/dataset.h"
#include "lore/recipe/specs.h"
#include "lore/train/observer.h"

namespace lore {

/// Why a run ended.
enum class StopReason { kFinished, kEarlyStopping, kSignal };

struct TrainResult {
  StopReason reason = StopReason::kFinished;
  std::int64_t steps = 0;
  std::optional<double> first_validation_loss;  ///< before the first step
  std::optional<double> last_validation_loss;
  std::optional<double> best_validation_loss;
  std::int64_t best_step = 0;
};

/// How a recipe puts the examples of an epoch together.
BatchOptions batch_options(const Recipe& recipe, const Dataset& train);

/// Mean cross-entropy over the trained tokens of `dataset`, without dropout, in micro-batches of
/// `batch_size` examples. Stops early when `signal` becomes non-zero.
ValidationMetrics validate(const LlamaForCausalLm& model, const AdapterSet& adapters, const Dataset& dataset,
                           std::int64_t batch_size, const std::atomic<int>& signal);

/// The training loop: batches to gradients to AdamW steps, with validation and early stopping.
class Trainer {
 public:
  /// All arguments must outlive the trainer. `signal` holds the number of a signal once one arrived:
  /// the run then ends after the step it is in.
  Trainer(const LlamaForCausalLm& model, LoraAdapter& adapter, const Dataset& train,
          const Dataset& validation, const Recipe& recipe, TrainObserver& observer,
          const std::atomic<int>& signal);

  TrainPlan plan() const;

  /// Trains `adapter` in place.
  /// Throws: Error kDiverged with the step and the rows when loss or gradient is not finite; the adapter then
  /// holds the last finite state.
  TrainResult run();

 private:
  struct StepInput {
    std::vector<Batch> batches;
    std::int64_t trained_tokens = 0;
    std::int64_t tokens = 0;
  };
  StepInput gather(const std::vector<std::vector<std::int64_t>>& indices) const;
  StepMetrics train_step(std::int64_t step, const StepInput& input, class GradientSum& gradients,
                         class AdamW& optimizer, double learning_rate);
  [[noreturn]] void fail_diverged(std::int64_t step, const StepInput& input, const char* what) const;
  /// Validates and tells the observer; true when early stopping asks for the end.
  bool run_validation(std::int64_t step, TrainResult& result);

  const LlamaForCausalLm& model_;
  LoraAdapter& adapter_;
  const Dataset& train_;
  const Dataset& validation_;
  const Recipe& recipe_;
  TrainObserver& observer_;
  const std::atomic<int>& signal_;
  std::int64_t bad_validations_ = 0;
  std::int64_t last_validated_step_ = -1;
};

}  // namespace lore
