#pragma once

#include <atomic>
#include <optional>

#include "lore/adapters/lora.h"
#include "lore/data/batch.h"
#include "lore/data/batch_plan.h"
#include "lore/data/dataset.h"
#include "lore/recipe/specs.h"
#include "lore/train/adamw.h"
#include "lore/train/gradient_sum.h"
#include "lore/train/observer.h"
#include "lore/train/training_state.h"

namespace lore {

/// Why a run ended.
enum class StopReason { kFinished, kEarlyStopping, kSignal };

struct TrainResult {
  StopReason reason = StopReason::kFinished;
  TrainProgress progress;
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

  /// Goes on from `state`, whose adapter is the one the trainer was made with, instead of from the start.
  void resume(const TrainingState& state);

  /// Trains `adapter` in place.
  /// Throws: Error kDiverged with the step, the layer and the rows when loss or gradient is not finite and
  /// `training.on_nonfinite` does not skip it; the adapter then holds the last finite state, which has gone
  /// to the observer as a checkpoint.
  TrainResult run();

 private:
  struct StepInput {
    std::vector<Batch> batches;
    std::int64_t trained_tokens = 0;
    std::int64_t tokens = 0;
  };
  StepInput gather(const std::vector<std::vector<std::int64_t>>& indices) const;
  /// The micro-batches of the next optimizer step; moves the position in the data behind them.
  StepInput next_input();
  /// Nothing when loss or gradient is not finite, and the step is to be skipped.
  std::optional<StepMetrics> train_step(std::int64_t step, const StepInput& input, double learning_rate);
  /// Validates and tells the observer; true when early stopping asks for the end.
  bool run_validation();
  /// Validates where it is due after the steps so far, as run_validation.
  bool validate_if_due();
  void give_checkpoint();

  const LlamaForCausalLm& model_;
  LoraAdapter& adapter_;
  const Dataset& train_;
  const Dataset& validation_;
  const Recipe& recipe_;
  TrainObserver& observer_;
  const std::atomic<int>& signal_;
  GradientSum gradients_;
  AdamW optimizer_;
  TrainProgress progress_;
  std::vector<std::int64_t> lengths_;
  std::optional<BatchPlan> epoch_batches_;  ///< of the epoch that progress_ is in
  std::int64_t checkpoint_step_ = -1;       ///< of the last checkpoint
};

}  // namespace lore
