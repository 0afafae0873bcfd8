#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lore/adapters/lora.h"
#include "lore/data/batch.h"
#include "lore/data/dataset.h"
#include "lore/train/gradient_sum.h"

namespace lore {

/// What was computed in an optimizer step that went wrong.
struct FailedStep {
  const LlamaForCausalLm& model;
  const AdapterSet& adapters;
  const Dataset& train;
  const std::vector<Batch>& batches;
  const std::vector<double>& losses;  ///< of each batch, summed over its tokens
  const GradientSum& gradients;
};

/// Which of loss and gradient is not finite, where it comes from and in which rows: "the loss is not finite
/// (first after layer 3; rows a.jsonl:7, a.jsonl:9)". Runs the forward pass again, without dropout, to find
/// the layer.
std::string describe_nonfinite(const FailedStep& step);

}  // namespace lore
