#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lore/kernels/cross_entropy.h"

namespace lore {

/// How a row's label fares among the logits of that row.
struct LabelScore {
  double log_probability = 0;  ///< of the label, in nats
  bool is_greedy = false;      ///< whether no other token has a larger logit
};

/// The scores of the labels of trained rows, in their order. hidden [N, D], labels[i] the target of row i
/// (already shifted) or kIgnoredLabel. Only trained rows get logits, in chunks as linear_cross_entropy; the
/// softmax is float32. Throws: Error(kInternal) as linear_cross_entropy.
std::vector<LabelScore> label_scores(const at::Tensor& hidden, LogitLayer& layer,
                                     const std::vector<std::int32_t>& labels);

}  // namespace lore
