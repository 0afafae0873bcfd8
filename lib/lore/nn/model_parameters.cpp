#include "lore/nn/model_parameters.h"

#include <fmt/format.h>

namespace lore {
namespace {

/// The linears of one layer in the order that q_proj .. down_proj are computed.
std::vector<LinearShape> layer_linears(const LlamaConfig& config, std::int64_t layer) {
  const std::string attention = fmt::format("model.layers.{}.self_attn.", layer);
  const std::string mlp = fmt::format("model.layers.{}.mlp.", layer);
  const std::int64_t d = config.hidden_size;
  const std::int64_t f = config.intermediate_size;
  return {{attention + "q_proj", config.query_size(), d},
          {attention + "k_proj", config.key_value_size(), d},
          {attention + "v_proj", config.key_value_size(), d},
          {attention + "o_proj", d, config.query_size()},
          {mlp + "gate_proj", f, d},
          {mlp + "up_proj", f, d},
          {mlp + "down_proj", d, f}};
}

bool has_bias(const LlamaConfig& config, const std::string& linear) {
  if (linear.find(".mlp.") != std::string::npos) {
    return config.mlp_bias;
  }
  return linear.ends_with("o_proj") ? config.output_bias : config.qkv_bias;
}

}  // namespace

std::vector<ParameterShape> model_parameters(const LlamaConfig& config) {
  std::vector<ParameterShape> parameters{
      {"model.embed_tokens.weight", {config.vocab_size, config.hidden_size}}};
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const std::string prefix = fmt::format("model.layers.{}.", layer);
    parameters.push_back({prefix + "input_layernorm.weight", {config.hidden_size}});
    for (const LinearShape& linear : layer_linears(config, layer)) {
      parameters.push_back({linear.name + ".weight", {linear.out, linear.in}});
      if (has_bias(config, linear.name)) {
        parameters.push_back({linear.name + ".bias", {linear.out}});
      }
    }
    if (config.qk_norm) {
      parameters.push_back({prefix + "self_attn.q_norm.weight", {config.head_dim}});
      parameters.push_back({prefix + "self_attn.k_norm.weight", {config.head_dim}});
    }
    parameters.push_back({prefix + "post_attention_layernorm.weight", {config.hidden_size}});
  }
  parameters.push_back({"model.norm.weight", {config.hidden_size}});
  if (!config.tie_word_embeddings) {
    parameters.push_back({"lm_head.weight", {config.vocab_size, config.hidden_size}});
  }
  return parameters;
}

std::vector<LinearShape> model_linears(const LlamaConfig& config) {
  std::vector<LinearShape> linears;
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    for (LinearShape& linear : layer_linears(config, layer)) {
      linears.push_back(std::move(linear));
    }
  }
  return linears;
}

std::vector<LinearShape> adaptable_linears(const LlamaConfig& config) {
  std::vector<LinearShape> linears = model_linears(config);
  linears.push_back({kHeadModule, config.vocab_size, config.hidden_size});
  return linears;
}

std::vector<LinearShape> adaptable_modules(const LlamaConfig& config) {
  std::vector<LinearShape> modules = adaptable_linears(config);
  modules.push_back({kEmbeddingModule, config.vocab_size, config.hidden_size});
  return modules;
}

}  // namespace lore
