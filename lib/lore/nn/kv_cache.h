#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lore/kernels/cached_attention.h"
#include "lore/nn/llama_config.h"

namespace lore {

/// Keys and values of the tokens that one sequence has seen, per layer. Grows as they come.
class KvCache {
 public:
  /// `options` are those of the model's hidden states.
  KvCache(const LlamaConfig& config, at::TensorOptions options);

  /// Tokens seen.
  std::int64_t length() const { return length_; }
  CachedKeyValues& layer(std::size_t layer) { return layers_[layer]; }

  /// Makes room for `tokens` more.
  void reserve(std::int64_t tokens);
  /// Called once a forward pass has put `tokens` tokens into every layer.
  void advance(std::int64_t tokens) { length_ += tokens; }

 private:
  std::vector<CachedKeyValues> layers_;
  std::int64_t capacity_ = 0;
  std::int64_t length_ = 0;
};

}  // namespace lore
