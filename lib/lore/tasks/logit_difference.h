#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace lore {

/// How far the logits of one model are from those of a reference over the same tokens.
struct LogitDifference {
  double max_abs = 0;
  double mean_abs = 0;
  double kl = 0;  ///< mean over tokens of KL(reference || other), in nats
  double max_kl = 0;
  double top1_agreement = 0;  ///< share of tokens with the same most likely next token
  double reference_loss = 0;  ///< mean over the labelled tokens of -log p(label), in nats; 0 without labels
  double loss = 0;            ///< the same of the other model
};

/// Compares logits that come a block of the vocabulary at a time, so that no row is ever held whole.
class LogitComparison {
 public:
  explicit LogitComparison(std::int64_t tokens) : rows_(static_cast<std::size_t>(tokens)) {}
  /// With what comes next after each token, -1 where that is not known.
  explicit LogitComparison(std::vector<std::int32_t> labels)
      : rows_(labels.size()), labels_(std::move(labels)) {}

  /// The next block of logits, float32 [N, v] each, of the reference and of the other model.
  void add(const at::Tensor& reference, const at::Tensor& other);
  /// After the last block.
  LogitDifference result() const;

 private:
  /// One distribution: its running maximum, the sum of exponentials below it, and the place of the maximum.
  struct Softmax {
    double peak = 0;
    double sum = 0;
    std::int64_t top = -1;
  };
  struct Row {
    Softmax reference;
    Softmax other;
    double weighted = 0;  ///< sum of exp(reference - peak) * (reference - other)
    double max_abs = 0;
    double sum_abs = 0;
    double reference_label = 0;  ///< the label's logits
    double label = 0;
  };

  std::vector<Row> rows_;
  std::vector<std::int32_t> labels_;  ///< one a row, or none
  std::int64_t seen_ = 0;             ///< vocabulary entries so far
};

}  // namespace lore
