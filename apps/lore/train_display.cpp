#include "train_display.h"

#include <fmt/format.h>

#include <cmath>

namespace {

constexpr const char* kSteps = "steps";  // what the time left is of

}  // namespace

TrainDisplay::TrainDisplay(Console& console, std::int64_t logging_steps)
    : console_(console), logging_steps_(logging_steps) {}

void TrainDisplay::on_setup(const lore::TrainSetup& setup) {
  console_.info(fmt::format("base       {} ({})", setup.base_name, setup.dtype));
  console_.info(fmt::format("adapter    {} modules: {} ({} trained parameters)", setup.matched_modules,
                            setup.modules, setup.trained_parameters));
  for (const auto& [name, dataset] :
       {std::pair{"train", setup.train}, std::pair{"validation", setup.validation}}) {
    for (const lore::SourceCounts& source : dataset->sources()) {
      console_.info(fmt::format("{:<10} {}: {}", name, source.path, lore::describe(source)));
    }
  }
  console_.info(fmt::format("plan       {} examples, {} for validation, {} steps of which {} make an epoch",
                            setup.plan.examples, setup.plan.validation_examples, setup.plan.total_steps,
                            setup.plan.steps_per_epoch));
  if (setup.plan.packing_efficiency > 0) {
    console_.info(
        fmt::format("packing    {:.1f}% of each packed row is filled", 100 * setup.plan.packing_efficiency));
  }
  resumed_step_ = setup.resumed_step;
  if (!setup.resumed_from.empty()) {
    console_.info(
        fmt::format("resumed    after step {} from {}", setup.resumed_step, setup.resumed_from.string()));
  }
  console_.info(fmt::format("ready      after {:.2f} s", setup.load_seconds));
}

void TrainDisplay::on_start(const lore::TrainPlan& plan) {
  plan_ = plan;
  time_left_.after(share_of(resumed_step_), kSteps);
}

void TrainDisplay::on_step(const lore::StepMetrics& metrics) {
  const std::string line = fmt::format(
      "step {}/{}  epoch {:.2f}  loss {:.4f}  lr {:.3g}  grad norm {:.3f}  {:.0f} tokens/s  {:.2f} GiB"
      "{}",
      metrics.step, plan_.total_steps, metrics.epoch, metrics.loss, metrics.learning_rate, metrics.grad_norm,
      static_cast<double>(metrics.tokens) / metrics.seconds,
      static_cast<double>(metrics.peak_rss_bytes) / (1024.0 * 1024.0 * 1024.0),
      time_left_.after(share_of(metrics.step), kSteps));
  if (console_.is_terminal()) {
    console_.status(line);
  } else if (logging_steps_ > 0 &&
             (metrics.step % logging_steps_ == 0 || metrics.step == plan_.total_steps)) {
    console_.info(line);
  }
}

void TrainDisplay::on_validation(const lore::ValidationMetrics& metrics) {
  console_.info(
      fmt::format("step {}/{}  validation loss {:.4f}  perplexity {:.3f}{}", metrics.step, plan_.total_steps,
                  metrics.loss, std::exp(metrics.loss),
                  metrics.step == 0 ? "  (before training)" : (metrics.best ? "  (best so far)" : "")));
}

void TrainDisplay::on_skipped(const lore::SkippedStep& step) {
  console_.warning(fmt::format("step {}/{} was left out: {}", step.step, plan_.total_steps, step.why));
}

double TrainDisplay::share_of(std::int64_t step) const {
  return static_cast<double>(step) / static_cast<double>(plan_.total_steps);
}

void TrainDisplay::on_checkpoint_written(std::int64_t step) {
  console_.info(fmt::format("step {}  checkpoint written", step));
}
