#pragma once

#include <cstdint>

#include "lore/adapters/lora.h"
#include "lore/data/batch_plan.h"

namespace lore {

/// Bytes of all weights of a model in `dtype`.
std::int64_t weight_bytes(const LlamaConfig& config, at::ScalarType dtype);

/// Bytes that training takes at least, in its parts.
struct TrainingNeed {
  std::int64_t weights = 0;
  std::int64_t adapter = 0;      ///< fp32 masters, gradients, two moments, and a copy for a checkpoint
  std::int64_t activations = 0;  ///< of the largest micro-batch
  std::int64_t tokens = 0;       ///< of that micro-batch

  std::int64_t total() const { return weights + adapter + activations; }
};

/// Activations are counted as the layers keep them: for each token and layer its hidden states at the input,
/// between the blocks and after both norms' products, q, k, v, the attention's output, and the gate, up and
/// down projections' inputs.
TrainingNeed training_need(const LlamaForCausalLm& model, const LoraAdapter& adapter,
                           std::span<const std::int64_t> lengths, const BatchPlan& first_epoch);

/// Throws: Error kResources when the weights alone take more than `available` bytes; 0 is not known.
void check_weights_fit(std::int64_t weights, std::int64_t available);

/// Throws: Error kResources when training takes more than `available` bytes; 0 is not known.
void check_training_fits(const TrainingNeed& need, std::int64_t available);

}  // namespace lore
