#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lore/formats/gguf_metadata.h"
#include "lore/nn/llama_config.h"

namespace lore {

/// What GGUF calls the architecture: "llama" (Mistral too), "qwen2" or "qwen3".
std::string_view gguf_architecture(const LlamaConfig& config);

/// Writes general.architecture and the architecture's own keys; LlamaConfig::from_gguf reads them back.
/// What llama.cpp computes in another way only beyond some position goes to `warnings`.
/// Throws: Error kRefused for what llama.cpp cannot compute (rotary scaling or biases that its architecture
/// lacks).
void write_gguf_config(const LlamaConfig& config, GgufMetadata& metadata, std::vector<std::string>& warnings);

/// rope_freqs.weight: what the rotary frequencies are divided by, [head_dim/2]; empty when there is none.
std::vector<float> gguf_frequency_divisors(const LlamaConfig& config);

}  // namespace lore
