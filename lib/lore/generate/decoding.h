#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lore/nn/llama.h"

namespace lore {

struct DecodingLimits {
  std::int64_t max_new_tokens = 128;
  std::vector<std::int64_t> stop_ids;  ///< tokens that end the answer; not part of it
};

/// Greedy continuation of `prompt` with a KV cache. `on_token`, called with each new id, ends the
/// answer by returning false.
/// Throws: Error kUsage for an empty prompt.
std::vector<std::int32_t> decode_greedily(const LlamaForCausalLm& model, const AdapterSet& adapters,
                                          std::span<const std::int32_t> prompt, const DecodingLimits& limits,
                                          const std::function<bool(std::int32_t)>& on_token);

}  // namespace lore
