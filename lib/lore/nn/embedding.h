#pragma once

#include <string>

#include "lore/nn/base_weight.h"
#include "lore/nn/low_rank.h"

namespace lore {

/// Rows of W [V, D] by token id. A low-rank update is one of W itself, W + scale * B A with B [V, r] and
/// A [r, D]: PEFT's lora_embedding_A and lora_embedding_B are the transposes of this B and A.
struct Embedding {
  std::string name;       ///< "model.embed_tokens"
  std::size_t index = 0;  ///< place in an AdapterSet
  BaseWeight weight;

  /// ids int64 [N] -> [N, D].
  at::Tensor forward(const at::Tensor& ids, const AdapterSet& adapters) const;
  /// Hands the gradient of what is trained to `sink`; dy [N, D].
  void backward(const at::Tensor& dy, const at::Tensor& ids, const AdapterSet& adapters,
                GradientSink& sink) const;
  bool is_trained(const AdapterSet& adapters) const;
};

}  // namespace lore
