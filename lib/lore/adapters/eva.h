#pragma once

#include <vector>

#include "lore/adapters/incremental_pca.h"
#include "lore/adapters/lora.h"
#include "lore/adapters/module_matching.h"

namespace lore {

/// Explained Variance Adaptation (Paischer et al., "Parameter Efficient Fine-tuning via Explained Variance
/// Adaptation", arXiv:2410.07170), as PEFT 0.21.2's initialize_lora_eva_weights: A starts as the principal
/// components of what a linear sees of the training data, B as zero, and the ranks of all linears together
/// go where they explain the most variance.
///
/// Linears that see the same input (q_proj, k_proj and v_proj of a layer) share one decomposition.
class Eva {
 public:
  /// Throws: Error kUsage as match_modules, and when r times rho is more than a linear has inputs.
  Eva(const PeftConfig& config, const EvaSpec& spec, const LlamaForCausalLm& model);

  /// False once every component that the ranks need points as it did a batch before, within tau.
  bool wants_more() const;
  /// Whether every linear has its components, settled or not.
  bool has_components() const;
  /// The most components that any linear looks for: a batch with fewer rows tells it nothing.
  std::int64_t most_components() const;

  /// Takes in one pass of `model` without adapters: `hidden` is what forward returned, `rows` (int64) the
  /// positions that count.
  /// Throws: Error kDiverged when an input is not finite.
  void add(const LlamaForCausalLm& model, const Activations& activations, const at::Tensor& hidden,
           const at::Tensor& rows);

  /// Gives `adapter`, fresh of the same configuration, the ranks and A. Its configuration names every rank
  /// and alpha that is not the general one in rank_pattern and alpha_pattern; a linear of rank 0 loses its
  /// update. REQUIRES has_components.
  void apply(LoraAdapter& adapter, const LlamaForCausalLm& model) const;

 private:
  /// Linears with one input.
  struct Group {
    std::size_t input;                 ///< as input_of
    std::vector<std::size_t> members;  ///< in modules_
    IncrementalPca pca;
    std::vector<bool> settled;  ///< of each component
  };
  bool is_settled(const Group& group) const;
  void add(Group& group, const at::Tensor& rows);
  void share_out_ranks();

  EvaSpec spec_;
  std::vector<std::string> names_;
  std::vector<MatchedModule> modules_;
  std::vector<std::int64_t> ranks_;  ///< of modules_
  std::vector<Group> groups_;
};

}  // namespace lore
