#pragma once

#include <map>
#include <string>
#include <vector>

#include "lore/nn/low_rank.h"

namespace lore {

/// Sums gradients in fp32 over the micro-batches of one optimizer step.
class GradientSum final : public GradientSink {
 public:
  explicit GradientSum(const AdapterSet& adapters);

  void accumulate(std::size_t linear, const LowRankGradient& gradient) override;
  void accumulate(const FullParameter& parameter, const FullGradient& gradient) override;

  /// dA and dB of every adapted module in ascending order: A0, B0, A1, B1, ...; then those of the whole
  /// parameters.
  const std::vector<at::Tensor>& gradients() const { return gradients_; }
  void zero();

  /// L2 norm over all gradients.
  double norm() const;
  /// Scales the gradients so that their norm is at most `max_norm`, as torch's clip_grad_norm_;
  /// `norm` is what norm() returned.
  void clip(double norm, double max_norm);

 private:
  std::vector<std::size_t> place_;  ///< by linear: where its dA is in gradients_
  std::map<std::string, std::size_t> full_place_;
  std::vector<at::Tensor> gradients_;
};

/// The fp32 masters in the order of GradientSum::gradients.
std::vector<at::Tensor> trainable_parameters(const AdapterSet& adapters);

}  // namespace lore
