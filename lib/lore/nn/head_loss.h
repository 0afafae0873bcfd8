#pragma once

#include "lore/kernels/cross_entropy.h"
#include "lore/kernels/label_scores.h"
#include "lore/nn/forward_pass.h"
#include "lore/nn/linear.h"

namespace lore {

/// Cross-entropy of the logits that `head` gives for hidden [N, D], as linear_cross_entropy; adapters and
/// dropout are those of `pass`. With a `sink` there is a gradient of hidden, and what the head has to train
/// goes to the sink.
LinearCrossEntropyResult head_loss(const Linear& head, const at::Tensor& hidden,
                                   const std::vector<std::int32_t>& labels, double grad_scale,
                                   const ForwardPass& pass, GradientSink* sink);
/// How each label fares among the logits that `head` gives for hidden [N, D], as label_scores.
std::vector<LabelScore> head_label_scores(const Linear& head, const at::Tensor& hidden,
                                          const std::vector<std::int32_t>& labels, const ForwardPass& pass);

}  // namespace lore
