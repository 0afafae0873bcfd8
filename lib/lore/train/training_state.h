#pragma once

#include <filesystem>
#include <optional>

#include "lore/adapters/lora.h"
#include "lore/train/adamw.h"

namespace lore {

/// Where a run stands between two optimizer steps. Batches, dropout and the schedule are functions of it and
/// of the recipe: there is no other state of random numbers.
struct TrainProgress {
  std::int64_t steps = 0;                       ///< optimizer steps done, skipped ones among them
  std::int64_t epoch = 0;                       ///< that the next batch belongs to
  std::int64_t next_batch = 0;                  ///< of that epoch, in micro-batches
  std::optional<double> first_validation_loss;  ///< before the first step
  std::optional<double> last_validation_loss;
  std::optional<double> best_validation_loss;
  std::int64_t best_step = 0;
  std::int64_t validated_step = -1;  ///< of the last validation, -1 before any
  std::int64_t bad_validations = 0;  ///< in a row without a lower loss
  std::int64_t skipped_steps = 0;
  std::int64_t skipped_in_row = 0;

  bool operator==(const TrainProgress&) const = default;
};

/// `adapter` with masters of its own, which training does not change.
LoraAdapter own_copy(const LoraAdapter& adapter);

/// All that a run needs to go on as if it had not stopped, besides what its recipe names.
struct TrainingState {
  TrainProgress progress;
  LoraAdapter adapter;
  AdamWState optimizer;

  /// The same with tensors of its own.
  TrainingState copy() const;
};

/// Writes training_state.safetensors (fp32: the masters, the moments, what the adapter started from) and
/// training_state.json into an existing folder. `model` gives the modules' names. Throws: Error kResources.
void write_training_state(const std::filesystem::path& folder, const TrainingState& state,
                          const LlamaForCausalLm& model);

/// The state in `folder`. `start` is the adapter as the recipe starts it, without EVA, which is not run
/// again. Throws: Error kInput when the files are damaged or belong to another adapter.
TrainingState read_training_state(const std::filesystem::path& folder, LoraAdapter start,
                                  const LlamaForCausalLm& model);

}  // namespace lore
