#include "lore/nn/kv_cache.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "lore/core/error.h"

namespace lore {

KvCache::KvCache(const LlamaConfig& config, std::int64_t capacity, at::TensorOptions options)
    : capacity_(capacity) {
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    keys_.push_back(at::empty({capacity, config.num_key_value_heads, config.head_dim}, options));
    values_.push_back(at::empty({capacity, config.num_key_value_heads, config.head_dim}, options));
  }
}

void KvCache::store(std::size_t layer, const at::Tensor& k, const at::Tensor& v) {
  if (length_ + k.size(0) > capacity_) {
    throw Error(ErrorKind::kInternal, "KV cache",
                fmt::format("{} tokens do not fit into a capacity of {}", length_ + k.size(0), capacity_));
  }
  keys_[layer].narrow(0, length_, k.size(0)).copy_(k);
  values_[layer].narrow(0, length_, v.size(0)).copy_(v);
}

}  // namespace lore
