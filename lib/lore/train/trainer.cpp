#include "lore/train/trainer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>

#include "lore/core/error.h"
#include "lore/core/philox.h"
#include "lore/core/process_memory.h"
#include "lore/train/adamw.h"
#include "lore/train/gradient_sum.h"
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
      signal_(signal) {}

TrainPlan Trainer::plan() const {
  const std::vector<std::int64_t> lengths = train_.lengths();
  const BatchPlan first_epoch(lengths, batch_options(recipe_, train_), 0);
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

Trainer::StepInput Trainer::gather(const std::vector<std::vector<std::int64_t>>& indices) const {
  StepInput input;
  for (const auto& batch_indices : indices) {
    input.batches.push_back(make_batch(train_, batch_indices));
    input.trained_tokens += input.batches.back().trained_tokens;
    input.tokens += input.batches.back().segments.tokens();
  }
  return input;
}

void Trainer::fail_diverged(std::int64_t step, const StepInput& input, const char* what) const {
  std::vector<std::string> rows;
  for (const Batch& batch : input.batches) {
    for (const std::int64_t example : batch.example_of_segment) {
      rows.push_back(train_.view(example).source);
    }
  }
  constexpr std::size_t kShown = 4;
  const std::string more = rows.size() > kShown ? fmt::format(" and {} more", rows.size() - kShown) : "";
  rows.resize(std::min(rows.size(), kShown));
  throw Error(ErrorKind::kDiverged, fmt::format("step {}", step),
              fmt::format("{} is not finite (rows {}{}); lower training.learning_rate or look at these rows",
                          what, fmt::join(rows, ", "), more));
}

StepMetrics Trainer::train_step(std::int64_t step, const StepInput& input, GradientSum& gradients,
                                AdamW& optimizer, double learning_rate) {
  const Clock::time_point start = Clock::now();
  const TrainingSpec& spec = recipe_.training;
  const bool use_dropout = adapter_.config.lora_dropout > 0;
  gradients.zero();
  double loss_sum = 0;
  for (std::size_t i = 0; i < input.batches.size(); ++i) {
    const Batch& batch = input.batches[i];
    const ForwardPass pass =
        model_.pass(batch.segments, adapter_.weights,
                    use_dropout ? std::optional(dropout_key(spec.seed, step, i)) : std::nullopt);
    Activations activations;
    const at::Tensor hidden = model_.forward(batch.ids, pass, &activations);
    LinearCrossEntropyResult result =
        model_.loss(hidden, batch.labels, 1.0 / static_cast<double>(input.trained_tokens), pass, &gradients);
    loss_sum += result.loss_sum;
    model_.backward(std::move(result.dhidden), activations, pass, gradients);
  }
  StepMetrics metrics;
  metrics.step = step;
  metrics.loss = loss_sum / static_cast<double>(input.trained_tokens);
  metrics.grad_norm = gradients.norm();
  if (!std::isfinite(metrics.loss)) {
    fail_diverged(step, input, "the loss");
  }
  if (!std::isfinite(metrics.grad_norm)) {
    fail_diverged(step, input, "the gradient");
  }
  if (spec.max_grad_norm > 0) {
    gradients.clip(metrics.grad_norm, spec.max_grad_norm);
  }
  optimizer.step(gradients.gradients(), learning_rate);
  adapter_.weights.refresh(model_.dtype(), model_.linears());
  metrics.learning_rate = learning_rate;
  metrics.trained_tokens = input.trained_tokens;
  metrics.tokens = input.tokens;
  metrics.seconds = seconds_since(start);
  metrics.peak_rss_bytes = peak_rss_bytes();
  return metrics;
}

bool Trainer::run_validation(std::int64_t step, TrainResult& result) {
  ValidationMetrics metrics =
      validate(model_, adapter_.weights, validation_, recipe_.training.batch_size, signal_);
  if (signal_ != 0) {
    return false;  // an interrupted validation covers only part of the set
  }
  last_validated_step_ = step;
  metrics.step = step;
  metrics.best = !result.best_validation_loss || metrics.loss < *result.best_validation_loss;
  const bool improved =
      !result.best_validation_loss ||
      metrics.loss < *result.best_validation_loss - recipe_.evaluation.early_stopping_threshold;
  if (metrics.best) {
    result.best_validation_loss = metrics.loss;
    result.best_step = step;
  }
  if (step == 0) {
    result.first_validation_loss = metrics.loss;
  }
  result.last_validation_loss = metrics.loss;
  bad_validations_ = improved ? 0 : bad_validations_ + 1;
  observer_.on_validation(metrics);
  const std::int64_t patience = recipe_.evaluation.early_stopping_patience;
  return patience > 0 && bad_validations_ >= patience;
}

TrainResult Trainer::run() {
  const TrainPlan total = plan();
  const LrSchedule schedule(recipe_.training, total.total_steps);
  const auto accumulation = static_cast<std::size_t>(recipe_.training.gradient_accumulation_steps);
  GradientSum gradients(adapter_.weights);
  AdamW optimizer(trainable_parameters(adapter_.weights, model_.linears().size()), recipe_.training);
  const bool validates = validation_.count() > 0;
  const std::int64_t every = recipe_.evaluation.every_steps;
  const std::int64_t checkpoint_every = recipe_.training.checkpoint_every_steps;
  TrainResult result;
  observer_.on_start(total);
  if (validates) {
    run_validation(0, result);
  }
  const std::vector<std::int64_t> lengths = train_.lengths();
  for (std::int64_t epoch = 0; result.steps < total.total_steps && signal_ == 0; ++epoch) {
    const BatchPlan batches(lengths, batch_options(recipe_, train_), epoch);
    for (std::int64_t first = 0;
         first < batches.count() && result.steps < total.total_steps && signal_ == 0;) {
      std::vector<std::vector<std::int64_t>> indices;
      for (; first < batches.count() && indices.size() < accumulation; ++first) {
        indices.push_back(batches.batch(first));
      }
      StepMetrics metrics =
          train_step(result.steps + 1, gather(indices), gradients, optimizer, schedule.at(result.steps));
      ++result.steps;
      metrics.epoch =
          static_cast<double>(epoch) + static_cast<double>(first) / static_cast<double>(batches.count());
      observer_.on_step(metrics);
      if (validates && every > 0 && result.steps % every == 0 && signal_ == 0 &&
          run_validation(result.steps, result)) {
        result.reason = StopReason::kEarlyStopping;
        return result;
      }
      if (checkpoint_every > 0 && result.steps % checkpoint_every == 0) {
        observer_.on_checkpoint(result.steps);
      }
    }
  }
  if (signal_ != 0) {
    result.reason = StopReason::kSignal;
  } else if (validates && last_validated_step_ != result.steps) {
    run_validation(result.steps, result);
  }
  return result;
}

}  // namespace lore
