#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "lore/core/messages.h"
#include "lore/recipe/specs.h"
#include "lore/tasks/environment.h"
#include "lore/train/trainer.h"

namespace lore {

/// What `lore train` is asked to do.
struct TrainRequest {
  Recipe recipe;  ///< paths resolved
  bool overwrite = false;
  bool dry_run = false;              ///< everything up to the first step; nothing is written
  bool allow_base_mismatch = false;  ///< go on from an adapter (init_from) that was made on another base
};

/// What was loaded, before the first step.
struct TrainSetup {
  std::string base_name;
  std::string dtype;
  std::string modules;  ///< matched modules, counted by name
  std::int64_t matched_modules = 0;
  std::int64_t trained_parameters = 0;
  Dataset const* train = nullptr;
  Dataset const* validation = nullptr;
  TrainPlan plan;
  double load_seconds = 0;  ///< from the task's beginning until now
};

/// Hears of a run as it goes; the program shows it.
class TrainReporter : public TrainObserver, public Messages {
 public:
  virtual void on_setup(const TrainSetup& setup) = 0;
};

struct TrainOutcome {
  TrainResult result;
  TrainPlan plan;
  std::filesystem::path folder;  ///< empty for a dry run
  double seconds = 0;
};

/// Trains an adapter as the recipe says and leaves it, with everything needed to understand and repeat
/// the run, in recipe.output_dir. When a signal arrives the adapter so far is saved.
///
/// Throws: Error of any kind; what the run had saved until then stays.
TrainOutcome run_train(const TrainRequest& request, const Environment& environment, TrainReporter& reporter);

}  // namespace lore
