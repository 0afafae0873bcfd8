#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "lore/core/error.h"
#include "lore/nn/llama_config.h"

namespace lore {
namespace {

/// Metadata keys of one architecture, with errors that name the key.
class Metadata {
 public:
  Metadata(const GgufFile& file, std::string architecture, std::string subject)
      : file_(file), prefix_(std::move(architecture) + "."), subject_(std::move(subject)) {}

  std::int64_t integer(const std::string& key) const {
    const auto value = file_.integer(prefix_ + key);
    if (!value || *value < 1) {
      throw Error(ErrorKind::kInput, subject_,
                  fmt::format("metadata key \"{}{}\" is missing or not a positive integer", prefix_, key));
    }
    return *value;
  }
  std::int64_t integer(const std::string& key, std::int64_t otherwise) const {
    return file_.has(prefix_ + key) ? integer(key) : otherwise;
  }
  double real(const std::string& key, double otherwise) const {
    return file_.real(prefix_ + key).value_or(otherwise);
  }
  std::string text(const std::string& key, std::string_view otherwise) const {
    return std::string(file_.text(prefix_ + key).value_or(otherwise));
  }
  bool has(const std::string& key) const { return file_.has(prefix_ + key); }
  const std::string& prefix() const { return prefix_; }

 private:
  const GgufFile& file_;
  std::string prefix_;
  std::string subject_;
};

RopeConfig read_rope(const GgufFile& file, const Metadata& metadata, const LlamaConfig& config,
                     const std::string& subject) {
  RopeConfig rope;
  rope.theta = metadata.real("rope.freq_base", 10000.0);
  const std::string type = metadata.text("rope.scaling.type", "none");
  rope.factor = metadata.real("rope.scaling.factor", 1.0);
  rope.original_max_position_embeddings = static_cast<double>(
      metadata.integer("rope.scaling.original_context_length", config.max_position_embeddings));
  if (type == "linear") {
    rope.type = RopeType::kLinear;
  } else if (type == "yarn") {
    rope.type = RopeType::kYarn;
    rope.beta_fast = metadata.real("rope.scaling.yarn_beta_fast", 32.0);
    rope.beta_slow = metadata.real("rope.scaling.yarn_beta_slow", 1.0);
    rope.attention_factor = metadata.real("rope.scaling.attn_factor", 1.0) *
                            (rope.factor <= 1 ? 1.0 : 0.1 * std::log(rope.factor) + 1.0);
  } else if (type != "none") {
    throw Error(ErrorKind::kInput, subject, fmt::format("rope scaling type \"{}\" is not supported", type));
  }
  if (const GgufTensor* divisors = file.find("rope_freqs.weight")) {
    const auto half = static_cast<std::size_t>(config.head_dim / 2);
    if (divisors->type != GgmlType::kF32 || divisors->bytes.size() != half * sizeof(float)) {
      throw Error::mismatch(ErrorKind::kInput, subject + ": rope_freqs.weight",
                            fmt::format("F32 of {} elements", half), name_of(divisors->type));
    }
    rope.frequency_divisors.resize(half);
    std::memcpy(rope.frequency_divisors.data(), divisors->bytes.data(), divisors->bytes.size());
  }
  return rope;
}

}  // namespace

LlamaConfig LlamaConfig::from_gguf(const GgufFile& file, const std::string& subject) {
  const std::string architecture(file.text("general.architecture").value_or(""));
  if (architecture != "llama" && architecture != "qwen2" && architecture != "qwen3") {
    throw Error(ErrorKind::kInput, subject,
                fmt::format("GGUF architecture \"{}\" is not supported; supported are llama, qwen2 and qwen3",
                            architecture));
  }
  const Metadata metadata(file, architecture, subject);
  if (metadata.has("expert_count") && metadata.integer("expert_count", 0) > 0) {
    throw Error(ErrorKind::kInput, subject, "mixture-of-experts models are not supported");
  }
  LlamaConfig config;
  config.model_type = architecture;
  config.hidden_size = metadata.integer("embedding_length");
  config.intermediate_size = metadata.integer("feed_forward_length");
  config.num_hidden_layers = metadata.integer("block_count");
  config.num_attention_heads = metadata.integer("attention.head_count");
  config.num_key_value_heads = metadata.integer("attention.head_count_kv", config.num_attention_heads);
  config.head_dim = metadata.integer("attention.key_length", config.hidden_size / config.num_attention_heads);
  if (config.num_attention_heads % config.num_key_value_heads != 0 || config.head_dim % 2 != 0) {
    throw Error(ErrorKind::kInput, subject, "head counts do not divide, or the head size is odd");
  }
  if (metadata.integer("rope.dimension_count", config.head_dim) != config.head_dim ||
      metadata.integer("attention.value_length", config.head_dim) != config.head_dim) {
    throw Error(
        ErrorKind::kInput, subject,
        fmt::format("{0}rope.dimension_count and {0}attention.value_length must equal the head size {1}",
                    metadata.prefix(), config.head_dim));
  }
  config.max_position_embeddings = metadata.integer("context_length");
  config.rms_norm_eps = metadata.real("attention.layer_norm_rms_epsilon", 0);
  if (!(config.rms_norm_eps > 0)) {
    throw Error(
        ErrorKind::kInput, subject,
        fmt::format("metadata key \"{}attention.layer_norm_rms_epsilon\" is missing", metadata.prefix()));
  }
  const GgufTensor* embedding = file.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    throw Error(ErrorKind::kInput, subject, "tensor token_embd.weight is missing or not a matrix");
  }
  config.vocab_size = embedding->shape[0];
  config.qkv_bias = file.find("blk.0.attn_q.bias") != nullptr;
  config.output_bias = file.find("blk.0.attn_output.bias") != nullptr;
  config.mlp_bias = file.find("blk.0.ffn_gate.bias") != nullptr;
  config.qk_norm = file.find("blk.0.attn_q_norm.weight") != nullptr;
  config.tie_word_embeddings = file.find("output.weight") == nullptr;
  config.rope = read_rope(file, metadata, config, subject);
  config.window.assign(static_cast<std::size_t>(config.num_hidden_layers),
                       metadata.integer("attention.sliding_window", 0));
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"}) {
    if (const auto id = file.integer(key)) {
      config.eos_token_ids.push_back(*id);
    }
  }
  return config;
}

}  // namespace lore
