#pragma once

#include <cstdint>
#include <span>

#include "lore/nn/llama_config.h"

namespace lore {

/// Throws: Error kInput for an id outside the model's vocabulary.
void check_token_ids(std::span<const std::int32_t> ids, const LlamaConfig& config);

}  // namespace lore
