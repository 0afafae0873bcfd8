#pragma once

#include <atomic>
#include <functional>
#include <nlohmann/json.hpp>

#include "lore/tasks/background_writer.h"
#include "lore/tasks/model_card.h"
#include "lore/tasks/run_folder.h"
#include "lore/tasks/run_identity.h"
#include "lore/tasks/train_reporter.h"
#include "lore/train/loss_plot.h"
#include "lore/train/training_state.h"

namespace lore {

/// Bytes that a checkpoint takes: the adapter's file, its fp32 masters, two moments, and the small files.
std::uint64_t checkpoint_bytes(const LoraAdapter& adapter);

/// Writes what happens in a run into its folder and passes it on. Adapters are copied and written on a
/// thread of their own, in the order they came.
class RunRecorder final : public TrainObserver {
 public:
  /// What is asked for on the writing thread, when there is an adapter to write.
  struct Facts {
    std::function<nlohmann::ordered_json()> manifest;
    std::function<RunIdentity()> identity;
  };

  /// All but `origin` and `facts` must outlive it.
  RunRecorder(RunFolder& folder, const LlamaForCausalLm& model, AdapterOrigin origin, Facts facts,
              TrainReporter& reporter);

  void on_start(const TrainPlan& plan) override { reporter_.on_start(plan); }
  void on_step(const StepMetrics& metrics) override;
  void on_validation(const ValidationMetrics& metrics) override;
  void on_skipped(const SkippedStep& step) override;
  void on_checkpoint(const TrainingState& state) override;

  /// The adapter that on_validation saves when its loss is the lowest.
  void follow(const LoraAdapter& adapter) { adapter_ = &adapter; }
  /// Goes on with the curves of the metrics that the folder went back to. Throws: Error kInput.
  void read_curves();
  /// Writes the final adapter and waits until everything is on the disk. Throws: Error kResources.
  void finish(std::string moment);
  /// Waits until what was given is on the disk. Throws: Error kResources.
  void wait();

  const LossCurves& curves() const { return curves_; }

 private:
  void save(const std::string& name, std::string moment);
  void write_checkpoint(const TrainingState& state, const std::string& metrics, AdapterOrigin origin);
  at::ScalarType stored_dtype() const;
  void tell_written();

  RunFolder& folder_;
  const LlamaForCausalLm& model_;
  AdapterOrigin origin_;
  Facts facts_;
  TrainReporter& reporter_;
  const LoraAdapter* adapter_ = nullptr;
  LossCurves curves_;
  std::atomic<std::int64_t> written_step_{-1};
  std::int64_t told_step_ = -1;
  BackgroundWriter writer_;  ///< last: its jobs use what is above
};

}  // namespace lore
