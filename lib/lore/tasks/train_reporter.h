#pragma once

#include <filesystem>
#include <string>

#include "lore/core/messages.h"
#include "lore/data/dataset.h"
#include "lore/train/observer.h"

namespace lore {

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
  std::filesystem::path resumed_from;  ///< the checkpoint; empty: from the start
  std::int64_t resumed_step = 0;
  double load_seconds = 0;  ///< from the task's beginning until now
};

/// Hears of a run as it goes, on the training thread; the program shows it.
class TrainReporter : public Messages {
 public:
  virtual void on_setup(const TrainSetup& setup) = 0;
  virtual void on_start(const TrainPlan& plan) = 0;
  virtual void on_step(const StepMetrics& metrics) = 0;
  virtual void on_validation(const ValidationMetrics& metrics) = 0;
  virtual void on_skipped(const SkippedStep& step) = 0;
  /// The checkpoint of `step` is on the disk and was verified.
  virtual void on_checkpoint_written(std::int64_t step) = 0;
};

}  // namespace lore
