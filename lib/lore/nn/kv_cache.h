#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lore/nn/llama_config.h"

namespace lore {

/// Keys and values of the tokens one sequence has seen, per layer [capacity, K, d].
class KvCache {
 public:
  KvCache(const LlamaConfig& config, std::int64_t capacity, at::TensorOptions options);

  std::int64_t length() const { return length_; }
  std::int64_t capacity() const { return capacity_; }

  /// Stores k and v [T, K, d] at positions length .. length+T of `layer`.
  void store(std::size_t layer, const at::Tensor& k, const at::Tensor& v);
  /// The first `tokens` keys and values of `layer`.
  at::Tensor keys(std::size_t layer, std::int64_t tokens) const { return keys_[layer].narrow(0, 0, tokens); }
  at::Tensor values(std::size_t layer, std::int64_t tokens) const {
    return values_[layer].narrow(0, 0, tokens);
  }
  /// Called once a forward pass has stored `tokens` tokens in every layer.
  void advance(std::int64_t tokens) { length_ += tokens; }

 private:
  std::vector<at::Tensor> keys_;
  std::vector<at::Tensor> values_;
  std::int64_t capacity_;
  std::int64_t length_ = 0;
};

}  // namespace lore
