#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lore/recipe/specs.h"
#include "lore/tasks/environment.h"
#include "lore/tasks/train_reporter.h"
#include "lore/train/trainer.h"

namespace lore {

/// What `lore train` is asked to do.
struct TrainRequest {
  Recipe recipe;  ///< paths resolved
  bool overwrite = false;
  bool resume = false;                     ///< go on from the newest sound checkpoint, where there is one
  std::filesystem::path resume_from;       ///< go on from this checkpoint
  std::vector<std::string> resume_anyway;  ///< keys, or sections of them, that may differ from it
  bool dry_run = false;                    ///< everything up to the first step; nothing is written
  bool allow_base_mismatch = false;  ///< go on from an adapter (init_from) that was made on another base
};

struct TrainOutcome {
  TrainResult result;
  TrainPlan plan;
  std::filesystem::path folder;        ///< empty for a dry run
  std::filesystem::path resumed_from;  ///< the checkpoint; empty where it was none
  std::int64_t resumed_step = 0;
  bool was_finished = false;  ///< with `resume`: there was nothing left to do
  double seconds = 0;
};

/// Trains an adapter as the recipe says and leaves it, with everything needed to understand and repeat
/// the run, in recipe.output_dir. When a signal arrives a checkpoint and the adapter so far are saved.
///
/// A run that goes on from a checkpoint ends with the bytes it would have had without a break; one whose
/// recipe, data, base, threads or build differ from the checkpoint's is refused.
///
/// Throws: Error of any kind; what the run had saved until then stays. Interruption when a signal arrives
/// before there is anything to save.
TrainOutcome run_train(const TrainRequest& request, const Environment& environment, TrainReporter& reporter);

}  // namespace lore
