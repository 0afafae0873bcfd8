#pragma once

#include <map>
#include <optional>
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

  /// Those of every adapted module in ascending order: A (where it is trained), B, magnitude (of DoRA); then
  /// those of the whole parameters.
  const std::vector<at::Tensor>& gradients() const { return gradients_; }
  void zero();

  /// L2 norm over all gradients.
  double norm() const;
  /// The first, in the order of gradients(), that holds a NaN or an infinity.
  std::optional<std::size_t> first_nonfinite() const;
  /// Scales the gradients so that their norm is at most `max_norm`, as torch's clip_grad_norm_;
  /// `norm` is what norm() returned.
  void clip(double norm, double max_norm);

 private:
  std::vector<std::size_t> place_;  ///< by linear: where its first is in gradients_
  std::map<std::string, std::size_t> full_place_;
  std::vector<at::Tensor> gradients_;
};

/// Which learning rate LoRA+ gives, as PEFT groups parameters.
enum class RateGroup {
  kUsual,
  kFaster,      ///< B and vectors
  kEmbeddings,  ///< a low-rank update of the embeddings
};

/// An fp32 master.
struct TrainedParameter {
  at::Tensor value;
  RateGroup rate;
};

/// What each of GradientSum::gradients is of: "model.layers.0.self_attn.q_proj.lora_A". `modules` are the
/// names of the modules that an AdapterSet is indexed by.
std::vector<std::string> parameter_names(const AdapterSet& adapters, const std::vector<std::string>& modules);

/// In the order of GradientSum::gradients. `embeddings` is the place of the embeddings among the modules.
std::vector<TrainedParameter> trainable_parameters(const AdapterSet& adapters, std::size_t embeddings);

}  // namespace lore
