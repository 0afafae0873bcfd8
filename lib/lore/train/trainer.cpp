#include "lore/train/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "lore/core/error.h"
#include "lore/core/philox.h"
#include "lore/core/process_memory.h"
#include "lore/train/nonfinite.h"
#include "lore/train/schedule.h"

namespace lore {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A fresh dropout key for each micro-batch of a run.
DropoutKey dropout_key(std::uint64_t seed, std::int64_t step, std::size_t micro_batch) {
  constexpr std::uint32_t kDropoutDomain = 0xD0;
  const auto words = philox4x32({static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
                                 static_cast<std::uint32_t>(micro_batch), kDropoutDomain},
                                seed);
  return {std::uint64_t{words[0]} << 32 | words[1]};
}

/// A run that skips more steps than this one after another is stopped: its adapter learns nothing any more.
constexpr std::int64_t kMostSkippedInRow = 10;

}  // namespace

BatchOptions batch_options(const Recipe& recipe, const Dataset& train) {
  BatchOptions options;
  options.batch_size = recipe.training.batch_size;
  options.packing = recipe.data.packing;
  options.max_length = recipe.data.max_length;
  options.group_by_length = recipe.training.group_by_length;
  options.shuffle = recipe.data.shuffle;
  options.seed = recipe.training.seed;
  for (std::size_t i = 0; i < train.sources().size(); ++i) {
    options.sources.push_back({train.sources()[i].examples, recipe.data.train[i].weight});
  }
  return options;
}

ValidationMetrics validate(const LlamaForCausalLm& model, const AdapterSet& adapters, const Dataset& dataset,
                           std::int64_t batch_size, const std::atomic<int>& signal) {
  const Clock::time_point start = Clock::now();
  BatchOptions options;
  options.batch_size = batch_size;
  options.shuffle = false;
  const BatchPlan plan(dataset.lengths(), options, 0);
  ValidationMetrics metrics;
  double loss_sum = 0;
  for (std::int64_t i = 0; i < plan.count() && signal == 0; ++i) {
    const Batch batch = make_batch(dataset, plan.batch(i));
    const ForwardPass pass = model.pass(batch.segments, adapters);
    const at::Tensor hidden = model.forward(batch.ids, pass);
    const LinearCrossEntropyResult result = model.loss(hidden, batch.labels, 1.0, pass, /*sink=*/nullptr);
    loss_sum += result.loss_sum;
    metrics.trained_tokens += result.count;
  }
  metrics.loss = loss_sum / static_cast<double>(std::max<std::int64_t>(1, metrics.trained_tokens));
  metrics.seconds = seconds_since(start);
  return metrics;
}

Trainer::Trainer(const LlamaForCausalLm& model, LoraAdapter& adapter, const Dataset& train,
                 const Dataset& validation, const Recipe& recipe, TrainObserver& observer,
                 const std::atomic<int>& signal)
    : model_(model),
      adapter_(adapter),
      train_(train),
      validation_(validation),
      recipe_(recipe),
      observer_(observer),
      signal_(signal),
      gradients_(adapter.weights),
      optimizer_(trainable_parameters(adapter.weights, model.linears().size()), recipe.training),
      lengths_(train.lengths()) {}

TrainPlan Trainer::plan() const {
  const BatchPlan first_epoch(lengths_, batch_options(recipe_, train_), 0);
  const std::int64_t accumulation = recipe_.training.gradient_accumulation_steps;
  TrainPlan plan;
  plan.examples = train_.count();
  plan.validation_examples = validation_.count();
  plan.steps_per_epoch = (first_epoch.count() + accumulation - 1) / accumulation;
  plan.packing_efficiency = first_epoch.packing_efficiency();
  if (plan.steps_per_epoch == 0) {
    throw Error(ErrorKind::kUsage, "data.train", "the weights leave no example in an epoch: raise them");
  }
  plan.total_steps = recipe_.training.max_steps.value_or(static_cast<std::int64_t>(
      std::ceil(recipe_.training.epochs * static_cast<double>(plan.steps_per_epoch))));
  return plan;
}

void Trainer::resume(const TrainingState& state) {
  progress_ = state.progress;
  optimizer_.restore(state.optimizer);
  checkpoint_step_ = progress_.steps;
}

Trainer::StepInput Trainer::gather(const std::vector<std::vector<std::int64_t>>& indices) const {
  StepInput input;
  for (const auto& batch_indices : indices) {
    input.batches.push_back(make_batch(train_, batch_indices));
    input.trained_tokens += input.batches.back().trained_tokens;
    input.tokens += input.batches.back().segments.tokens();
  }
  return input;
}

Trainer::StepInput Trainer::next_input() {
  const auto plan_epoch = [this] {
    epoch_batches_.emplace(lengths_, batch_options(recipe_, train_), progress_.epoch);
  };
  if (!epoch_batches_) {
    plan_epoch();
  }
  while (progress_.next_batch >= epoch_batches_->count()) {
    ++progress_.epoch;
    progress_.next_batch = 0;
    plan_epoch();
  }
  const auto accumulation = static_cast<std::size_t>(recipe_.training.gradient_accumulation_steps);
  std::vector<std::vector<std::int64_t>> indices;
  for (; progress_.next_batch < epoch_batches_->count() && indices.size() < accumulation;
       ++progress_.next_batch) {
    indices.push_back(epoch_batches_->batch(progress_.next_batch));
  }
  return gather(indices);
}

std::optional<StepMetrics> Trainer::train_step(std::int64_t step, const StepInput& input,
                                               double learning_rate) {
  const Clock::time_point start = Clock::now();
  const TrainingSpec& spec = recipe_.training;
  const bool use_dropout = adapter_.config.lora_dropout > 0;
  gradients_.zero();
  std::vector<double> losses;
  double loss_sum = 0;
  for (std::size_t i = 0; i < input.batches.size(); ++i) {
    const Batch& batch = input.batches[i];
    const ForwardPass pass =
        model_.pass(batch.segments, adapter_.weights,
                    use_dropout ? std::optional(dropout_key(spec.seed, step, i)) : std::nullopt);
    Activations activations;
    const at::Tensor hidden = model_.forward(batch.ids, pass, &activations);
    LinearCrossEntropyResult result =
        model_.loss(hidden, batch.labels, 1.0 / static_cast<double>(input.trained_tokens), pass, &gradients_);
    loss_sum += result.loss_sum;
    losses.push_back(result.loss_sum);
    model_.backward(std::move(result.dhidden), activations, pass, gradients_);
  }
  StepMetrics metrics;
  metrics.step = step;
  metrics.loss = loss_sum / static_cast<double>(input.trained_tokens);
  metrics.grad_norm = gradients_.norm();
  if (!std::isfinite(metrics.loss) || !std::isfinite(metrics.grad_norm)) {
    const std::string why =
        describe_nonfinite({model_, adapter_.weights, train_, input.batches, losses, gradients_});
    const bool skips = spec.on_nonfinite == "skip";
    if (!skips || progress_.skipped_in_row >= kMostSkippedInRow) {
      throw Error(ErrorKind::kDiverged, fmt::format("step {}", step),
                  fmt::format("{}{}; lower training.learning_rate or look at these rows", why,
                              skips ? fmt::format(", as in the {} steps before", kMostSkippedInRow) : ""));
    }
    observer_.on_skipped({step, why});
    return std::nullopt;
  }
  if (spec.max_grad_norm > 0) {
    gradients_.clip(metrics.grad_norm, spec.max_grad_norm);
  }
  optimizer_.step(gradients_.gradients(), learning_rate);
  adapter_.weights.refresh(model_.dtype(), model_.linears());
  metrics.learning_rate = learning_rate;
  metrics.trained_tokens = input.trained_tokens;
  metrics.tokens = input.tokens;
  metrics.seconds = seconds_since(start);
  metrics.peak_rss_bytes = peak_rss_bytes();
  return metrics;
}

bool Trainer::run_validation() {
  ValidationMetrics metrics =
      validate(model_, adapter_.weights, validation_, recipe_.training.batch_size, signal_);
  if (signal_ != 0) {
    return false;  // an interrupted validation covers only part of the set
  }
  progress_.validated_step = progress_.steps;
  metrics.step = progress_.steps;
  metrics.best = !progress_.best_validation_loss || metrics.loss < *progress_.best_validation_loss;
  const bool improved =
      !progress_.best_validation_loss ||
      metrics.loss < *progress_.best_validation_loss - recipe_.evaluation.early_stopping_threshold;
  if (metrics.best) {
    progress_.best_validation_loss = metrics.loss;
    progress_.best_step = progress_.steps;
  }
  if (progress_.steps == 0) {
    progress_.first_validation_loss = metrics.loss;
  }
  progress_.last_validation_loss = metrics.loss;
  progress_.bad_validations = improved ? 0 : progress_.bad_validations + 1;
  observer_.on_validation(metrics);
  const std::int64_t patience = recipe_.evaluation.early_stopping_patience;
  return patience > 0 && progress_.bad_validations >= patience;
}

bool Trainer::validate_if_due() {
  const std::int64_t every = recipe_.evaluation.every_steps;
  const bool due = progress_.steps == 0 || (every > 0 && progress_.steps % every == 0);
  return validation_.count() > 0 && due && progress_.validated_step != progress_.steps && signal_ == 0 &&
         run_validation();
}

void Trainer::give_checkpoint() {
  if (checkpoint_step_ != progress_.steps) {
    checkpoint_step_ = progress_.steps;
    observer_.on_checkpoint({progress_, adapter_, optimizer_.state()});
  }
}

TrainResult Trainer::run() {
  const TrainPlan total = plan();
  const LrSchedule schedule(recipe_.training, total.total_steps);
  const std::int64_t checkpoint_every = recipe_.training.checkpoint_every_steps;
  observer_.on_start(total);
  for (;;) {
    if (validate_if_due()) {
      return {StopReason::kEarlyStopping, progress_};
    }
    if (checkpoint_every > 0 && progress_.steps > 0 && progress_.steps % checkpoint_every == 0) {
      give_checkpoint();
    }
    if (progress_.steps >= total.total_steps || signal_ != 0) {
      break;
    }
    const TrainProgress before = progress_;
    const StepInput input = next_input();
    std::optional<StepMetrics> metrics;
    try {
      metrics = train_step(progress_.steps + 1, input, schedule.at(progress_.steps));
    } catch (...) {
      progress_ = before;
      if (progress_.steps > 0) {
        give_checkpoint();  // the masters are as the last step left them
      }
      throw;
    }
    ++progress_.steps;
    progress_.skipped_steps += metrics ? 0 : 1;
    progress_.skipped_in_row = metrics ? 0 : progress_.skipped_in_row + 1;
    if (metrics) {
      metrics->epoch =
          static_cast<double>(progress_.epoch) +
          static_cast<double>(progress_.next_batch) / static_cast<double>(epoch_batches_->count());
      observer_.on_step(*metrics);
    }
  }
  if (signal_ == 0 && validation_.count() > 0 && progress_.validated_step != progress_.steps) {
    run_validation();
  }
  if (signal_ != 0) {
    give_checkpoint();
    return {StopReason::kSignal, progress_};
  }
  if (progress_.steps > 0 && progress_.skipped_steps == progress_.steps) {
    throw Error(ErrorKind::kDiverged, "training",
                "no step had a finite loss and gradient: nothing was learned");
  }
  return {StopReason::kFinished, progress_};
}

}  // namespace lore
