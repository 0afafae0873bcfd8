#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lore/formats/gguf.h"

namespace lore {

/// How rotary frequencies are stretched for contexts longer than the model was first trained on.
enum class RopeType { kDefault, kLinear, kDynamic, kLlama3, kYarn };

/// Rotary position embedding (Su et al., arXiv:2104.09864) and its scaling; the names are those of
/// HF's `rope_scaling`.
struct RopeConfig {
  RopeType type = RopeType::kDefault;
  double theta = 10000.0;
  double factor = 1.0;
  double original_max_position_embeddings = 0;  ///< positions of the first training; llama3, yarn
  double low_freq_factor = 1.0;                 ///< llama3
  double high_freq_factor = 4.0;                ///< llama3
  double beta_fast = 32.0;                      ///< yarn (Peng et al., arXiv:2309.00071)
  double beta_slow = 1.0;                       ///< yarn
  double attention_factor = 1.0;                ///< yarn: multiplies cos and sin
  bool truncate = true;                         ///< yarn: round the correction range to whole dimensions
  std::vector<float> frequency_divisors;        ///< GGUF's rope_freqs, [head_dim/2]; empty = none
};

/// The shape and constants of a Llama-architecture model: Llama, Mistral, Qwen2, Qwen3.
struct LlamaConfig {
  std::string model_type;  ///< "llama", "mistral", "qwen2" or "qwen3"
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t num_hidden_layers = 0;
  std::int64_t num_attention_heads = 0;
  std::int64_t num_key_value_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t max_position_embeddings = 0;
  double rms_norm_eps = 1e-6;
  bool qkv_bias = false;
  bool output_bias = false;
  bool mlp_bias = false;
  bool qk_norm = false;  ///< RMSNorm over each head of q and k before RoPE (Qwen3)
  bool tie_word_embeddings = false;
  RopeConfig rope;
  std::vector<std::int64_t> window;  ///< per layer: sliding window in tokens, 0 = full attention
  std::vector<std::int64_t> eos_token_ids;
  std::vector<std::string> warnings;  ///< fields that were ignored because they have no effect

  std::int64_t query_size() const { return num_attention_heads * head_dim; }
  std::int64_t key_value_size() const { return num_key_value_heads * head_dim; }

  /// Reads HF's config.json, in the spelling of transformers 4 or 5.
  ///
  /// Throws: Error kInput naming the field when the architecture is unknown, a field is missing or
  /// of the wrong type, or a field would change the numbers in a way Lore does not compute.
  static LlamaConfig from_hf(const nlohmann::json& config, const std::string& subject);

  /// Reads the metadata of a GGUF file of architecture llama, qwen2 or qwen3. Throws: as from_hf.
  static LlamaConfig from_gguf(const GgufFile& file, const std::string& subject);

  /// Multiply-accumulate weights of the decoder layers and the head, for FLOP counts.
  std::int64_t parameter_count() const;
};

}  // namespace lore
