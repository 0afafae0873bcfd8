#include "lore/nn/kv_cache.h"

#include <algorithm>

namespace lore {

KvCache::KvCache(const LlamaConfig& config, at::TensorOptions options) {
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    layers_.push_back(
        make_cached_key_values(config.num_key_value_heads, config.head_dim, /*capacity=*/0, options));
  }
}

void KvCache::reserve(std::int64_t tokens) {
  const std::int64_t needed = length_ + tokens;
  if (needed <= capacity_) {
    return;
  }
  capacity_ = std::max(needed, 2 * capacity_);
  for (CachedKeyValues& layer : layers_) {
    layer = grown(layer, length_, capacity_);
  }
}

}  // namespace lore
