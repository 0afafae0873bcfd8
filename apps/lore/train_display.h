#pragma once

#include "console.h"
#include "lore/tasks/run_train.h"
#include "time_left.h"

/// Shows a run: a status line with ETA on a terminal, plain lines elsewhere.
class TrainDisplay final : public lore::TrainReporter {
 public:
  TrainDisplay(Console& console, std::int64_t logging_steps);

  void warning(std::string_view text) override { console_.warning(text); }
  void info(std::string_view text) override { console_.info(text); }
  void on_setup(const lore::TrainSetup& setup) override;
  void on_start(const lore::TrainPlan& plan) override;
  void on_step(const lore::StepMetrics& metrics) override;
  void on_validation(const lore::ValidationMetrics& metrics) override;
  void on_skipped(const lore::SkippedStep& step) override;
  void on_checkpoint_written(std::int64_t step) override;

 private:
  double share_of(std::int64_t step) const;

  Console& console_;
  std::int64_t logging_steps_;
  lore::TrainPlan plan_;
  std::int64_t resumed_step_ = 0;  ///< after which the run goes on
  TimeLeft time_left_;
};
