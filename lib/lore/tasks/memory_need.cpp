#include "lore/tasks/memory_need.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "lore/core/error.h"
#include "lore/nn/model_parameters.h"

namespace lore {
namespace {

double gigabytes(std::int64_t bytes) { return static_cast<double>(bytes) / 1e9; }

std::int64_t most_tokens(std::span<const std::int64_t> lengths, const BatchPlan& plan) {
  std::int64_t most = 0;
  for (std::int64_t i = 0; i < plan.count(); ++i) {
    std::int64_t tokens = 0;
    for (const std::int64_t example : plan.batch(i)) {
      tokens += lengths[static_cast<std::size_t>(example)];
    }
    most = std::max(most, tokens);
  }
  return most;
}

}  // namespace

std::int64_t weight_bytes(const LlamaConfig& config, at::ScalarType dtype) {
  std::int64_t elements = 0;
  for (const ParameterShape& parameter : model_parameters(config)) {
    elements +=
        std::accumulate(parameter.shape.begin(), parameter.shape.end(), std::int64_t{1}, std::multiplies<>());
  }
  return elements * static_cast<std::int64_t>(c10::elementSize(dtype));
}

TrainingNeed training_need(const LlamaForCausalLm& model, const LoraAdapter& adapter,
                           std::span<const std::int64_t> lengths, const BatchPlan& first_epoch) {
  constexpr std::int64_t kMaster = 4;
  constexpr std::int64_t kCopies = 2;   // the masters and one for a checkpoint
  constexpr std::int64_t kTrained = 5;  // gradient, moments, and the moments' copies
  const LlamaConfig& config = model.config();
  TrainingNeed need;
  need.weights = static_cast<std::int64_t>(model.weight_bytes());
  need.adapter = kMaster * (kCopies * adapter.weights.parameter_count() +
                            kTrained * adapter.weights.trained_parameter_count());
  need.tokens = most_tokens(lengths, first_epoch);
  const std::int64_t row = 2 * config.hidden_size + 2 * config.query_size() + 2 * config.key_value_size() +
                           2 * config.intermediate_size;
  need.activations = need.tokens * config.num_hidden_layers * row *
                     static_cast<std::int64_t>(c10::elementSize(model.dtype()));
  return need;
}

void check_weights_fit(std::int64_t weights, std::int64_t available) {
  if (available > 0 && weights > available) {
    throw Error(
        ErrorKind::kResources, "memory",
        fmt::format("the weights take {:.2f} GB, and {:.2f} GB may be used here; use a smaller model, "
                    "or model.dtype: bfloat16",
                    gigabytes(weights), gigabytes(available)));
  }
}

void check_training_fits(const TrainingNeed& need, std::int64_t available) {
  if (available > 0 && need.total() > available) {
    throw Error(
        ErrorKind::kResources, "memory",
        fmt::format("training takes at least {:.2f} GB (weights {:.2f}, adapter and optimizer {:.2f}, "
                    "activations of {} tokens {:.2f}), and {:.2f} GB may be used here; lower "
                    "training.batch_size (raise gradient_accumulation_steps for it), data.max_length "
                    "or adapter.r",
                    gigabytes(need.total()), gigabytes(need.weights), gigabytes(need.adapter), need.tokens,
                    gigabytes(need.activations), gigabytes(available)));
  }
}

}  // namespace lore
