#include "lore/nn/llama_config_to_gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lore/core/error.h"
#include "lore/nn/rope_table.h"

namespace lore {
namespace {

[[noreturn]] void refuse(const LlamaConfig& config, std::string_view what) {
  throw Error(
      ErrorKind::kRefused, "config.json",
      fmt::format("llama.cpp's architecture {} cannot compute {}; a GGUF file of this model would give "
                  "other answers",
                  gguf_architecture(config), what));
}

void refuse_unknown(const LlamaConfig& config) {
  const bool is_llama = gguf_architecture(config) == "llama";
  if (!is_llama && (config.output_bias || config.mlp_bias)) {
    refuse(config, "biases on o_proj or the MLP");
  }
  if (config.model_type == "qwen2" && config.query_size() != config.hidden_size) {
    refuse(config, "heads that are together not as wide as the model");
  }
  const bool divides = config.rope.type == RopeType::kLlama3 || !config.rope.frequency_divisors.empty();
  if (!is_llama && divides) {
    refuse(config, "Llama 3's rotary scaling");
  }
  if (config.rope.type == RopeType::kYarn && !config.rope.truncate) {
    refuse(config, "yarn with truncate: false");
  }
  // llama.cpp reads the keys of these two for other architectures alone.
  if (config.rope.type == RopeType::kYarn && (config.rope.beta_fast != 32 || config.rope.beta_slow != 1)) {
    refuse(config, "yarn with another beta_fast than 32 or beta_slow than 1");
  }
}

void write_rope(const LlamaConfig& config, const std::string& prefix, GgufMetadata& metadata,
                std::vector<std::string>& warnings) {
  const RopeConfig& rope = config.rope;
  metadata.number(prefix + "rope.dimension_count", static_cast<std::uint32_t>(config.head_dim));
  metadata.number(prefix + "rope.freq_base", static_cast<float>(rope.theta));
  const auto original = static_cast<std::uint32_t>(std::llround(rope.original_max_position_embeddings));
  switch (rope.type) {
    case RopeType::kDefault:
      break;
    case RopeType::kLinear:
      metadata.text(prefix + "rope.scaling.type", "linear");
      metadata.number(prefix + "rope.scaling.factor", static_cast<float>(rope.factor));
      break;
    case RopeType::kDynamic:
      warnings.push_back(
          fmt::format("llama.cpp has no dynamic rotary scaling: beyond {} positions it gives other answers",
                      config.max_position_embeddings));
      break;
    case RopeType::kLlama3:
      metadata.number(prefix + "rope.scaling.original_context_length", original);
      break;
    case RopeType::kYarn: {
      metadata.text(prefix + "rope.scaling.type", "yarn");
      metadata.number(prefix + "rope.scaling.factor", static_cast<float>(rope.factor));
      metadata.number(prefix + "rope.scaling.original_context_length", original);
      // llama.cpp multiplies by 0.1 ln(factor) + 1 of itself.
      const double own = rope.factor <= 1 ? 1.0 : 0.1 * std::log(rope.factor) + 1.0;
      if (std::abs(rope.attention_factor / own - 1) > 1e-7) {
        metadata.number(prefix + "rope.scaling.attn_factor", static_cast<float>(rope.attention_factor / own));
      }
      break;
    }
  }
}

void write_window(const LlamaConfig& config, const std::string& prefix, GgufMetadata& metadata,
                  std::vector<std::string>& warnings) {
  if (config.window.empty()) {
    return;
  }
  const auto [least, most] = std::minmax_element(config.window.begin(), config.window.end());
  if (*most == 0) {
    return;
  }
  if (*least == *most) {
    metadata.number(prefix + "attention.sliding_window", static_cast<std::uint32_t>(*most));
  }
  if (*most < config.max_position_embeddings) {
    warnings.push_back(
        fmt::format("llama.cpp gives this architecture no sliding window: beyond {} tokens it gives other "
                    "answers{}",
                    *most, *least == *most ? "" : "; the file cannot say which layers have one"));
  }
}

}  // namespace

std::string_view gguf_architecture(const LlamaConfig& config) {
  return config.model_type == "qwen2" || config.model_type == "qwen3" ? std::string_view(config.model_type)
                                                                      : "llama";
}

void write_gguf_config(const LlamaConfig& config, GgufMetadata& metadata,
                       std::vector<std::string>& warnings) {
  refuse_unknown(config);
  const std::string architecture(gguf_architecture(config));
  const std::string prefix = architecture + ".";
  metadata.text("general.architecture", architecture);
  const auto count = [&](const char* key, std::int64_t value) {
    metadata.number(prefix + key, static_cast<std::uint32_t>(value));
  };
  count("vocab_size", config.vocab_size);
  count("context_length", config.max_position_embeddings);
  count("embedding_length", config.hidden_size);
  count("block_count", config.num_hidden_layers);
  count("feed_forward_length", config.intermediate_size);
  count("attention.head_count", config.num_attention_heads);
  count("attention.head_count_kv", config.num_key_value_heads);
  count("attention.key_length", config.head_dim);
  count("attention.value_length", config.head_dim);
  metadata.number(prefix + "attention.layer_norm_rms_epsilon", static_cast<float>(config.rms_norm_eps));
  write_rope(config, prefix, metadata, warnings);
  write_window(config, prefix, metadata, warnings);
}

std::vector<float> gguf_frequency_divisors(const LlamaConfig& config) {
  const RopeConfig& rope = config.rope;
  if (rope.type != RopeType::kLlama3) {
    return rope.frequency_divisors;
  }
  RopeConfig plain = rope;
  plain.type = RopeType::kDefault;
  std::vector<float> divisors = rope_inverse_frequencies(plain, config.head_dim, 1);
  for (float& frequency : divisors) {
    const double wavelength = 2 * std::numbers::pi / static_cast<double>(frequency);
    const double turns = rope.original_max_position_embeddings / wavelength;
    if (turns > rope.high_freq_factor) {
      frequency = 1.0F;
    } else if (turns < rope.low_freq_factor) {
      frequency = static_cast<float>(rope.factor);
    } else {
      const double smooth = (turns - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor);
      frequency = static_cast<float>(1 / ((1 - smooth) / rope.factor + smooth));
    }
  }
  return divisors;
}

}  // namespace lore
