#include "lore/nn/llama.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"
#include "lore/kernels/rms_norm.h"

namespace lore {
namespace {

/// Loads tensors and remembers which ones were asked for.
class Loader {
 public:
  Loader(const WeightSource& source, at::ScalarType dtype, at::Device device)
      : source_(source), dtype_(dtype), device_(device) {}

  at::Tensor load(const std::string& name, at::IntArrayRef shape) {
    used_.push_back(name);
    return source_.tensor(name, shape, dtype_).to(device_);
  }

  Linear linear(const std::string& name, std::size_t index, std::int64_t out, std::int64_t in, bool bias) {
    Linear result{name, index, BaseWeight(load(name + ".weight", {out, in})), {}};
    if (bias) {
      result.bias = load(name + ".bias", {out});
    }
    return result;
  }

  void refuse_unused() const {
    const std::vector<std::string> names = source_.unused(used_);
    if (!names.empty()) {
      throw Error(ErrorKind::kInput, source_.files().front().string(),
                  fmt::format("holds {} tensor(s) that are not part of architecture {}, the first is {}",
                              names.size(), source_.config().model_type, names.front()));
    }
  }

 private:
  const WeightSource& source_;
  at::ScalarType dtype_;
  at::Device device_;
  std::vector<std::string> used_;
};

std::unique_ptr<DecoderLayer> load_layer(Loader& loader, const LlamaConfig& config, std::size_t layer) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  const std::string attention = prefix + "self_attn.";
  const std::string mlp = prefix + "mlp.";
  const std::int64_t d = config.hidden_size;
  const std::int64_t q = config.query_size();
  const std::int64_t kv = config.key_value_size();
  const std::int64_t f = config.intermediate_size;
  constexpr std::size_t kLinearsPerLayer = 7;
  const std::size_t first = layer * kLinearsPerLayer;
  auto result = std::make_unique<DecoderLayer>();
  result->rms_norm_eps = config.rms_norm_eps;
  result->input_layernorm = loader.load(prefix + "input_layernorm.weight", {d});
  result->self_attn.q_proj = loader.linear(attention + "q_proj", first, q, d, config.qkv_bias);
  result->self_attn.k_proj = loader.linear(attention + "k_proj", first + 1, kv, d, config.qkv_bias);
  result->self_attn.v_proj = loader.linear(attention + "v_proj", first + 2, kv, d, config.qkv_bias);
  result->self_attn.o_proj = loader.linear(attention + "o_proj", first + 3, d, q, config.output_bias);
  if (config.qk_norm) {
    result->self_attn.q_norm = loader.load(attention + "q_norm.weight", {config.head_dim});
    result->self_attn.k_norm = loader.load(attention + "k_norm.weight", {config.head_dim});
  }
  result->self_attn.layer = layer;
  result->self_attn.num_heads = config.num_attention_heads;
  result->self_attn.num_key_value_heads = config.num_key_value_heads;
  result->self_attn.head_dim = config.head_dim;
  result->self_attn.window = config.window[layer];
  result->self_attn.rms_norm_eps = config.rms_norm_eps;
  result->post_attention_layernorm = loader.load(prefix + "post_attention_layernorm.weight", {d});
  result->mlp.gate_proj = loader.linear(mlp + "gate_proj", first + 4, f, d, config.mlp_bias);
  result->mlp.up_proj = loader.linear(mlp + "up_proj", first + 5, f, d, config.mlp_bias);
  result->mlp.down_proj = loader.linear(mlp + "down_proj", first + 6, d, f, config.mlp_bias);
  return result;
}

}  // namespace

LlamaForCausalLm::LlamaForCausalLm(const WeightSource& source, at::ScalarType dtype, at::Device device)
    : config_(source.config()), dtype_(dtype), device_(device) {
  Loader loader(source, dtype, device);
  embed_tokens_ =
      BaseWeight(loader.load("model.embed_tokens.weight", {config_.vocab_size, config_.hidden_size}));
  for (std::int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
    layers_.push_back(load_layer(loader, config_, static_cast<std::size_t>(layer)));
    const DecoderLayer& loaded = *layers_.back();
    for (const Linear* linear :
         {&loaded.self_attn.q_proj, &loaded.self_attn.k_proj, &loaded.self_attn.v_proj,
          &loaded.self_attn.o_proj, &loaded.mlp.gate_proj, &loaded.mlp.up_proj, &loaded.mlp.down_proj}) {
      linears_.push_back(linear);
    }
  }
  norm_ = loader.load("model.norm.weight", {config_.hidden_size});
  lm_head_ = config_.tie_word_embeddings
                 ? embed_tokens_
                 : BaseWeight(loader.load("lm_head.weight", {config_.vocab_size, config_.hidden_size}));
  loader.refuse_unused();
}

ForwardPass LlamaForCausalLm::pass(const Segments& segments, const AdapterSet& adapters,
                                   std::optional<DropoutKey> dropout, KvCache* cache) const {
  return {segments, adapters, dropout, rope_rows(config_.rope, config_.head_dim, segments, device_), cache};
}

at::Tensor LlamaForCausalLm::forward(std::span<const std::int32_t> ids, const ForwardPass& pass,
                                     Activations* activations) const {
  at::Tensor indices = at::empty({static_cast<std::int64_t>(ids.size())}, at::kLong);
  std::int64_t* index = indices.data_ptr<std::int64_t>();
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= config_.vocab_size) {
      throw Error(
          ErrorKind::kInput, "model",
          fmt::format("token id {} is outside the vocabulary of {}: the tokenizer is not this model's", id,
                      config_.vocab_size));
    }
    *index++ = id;
  }
  at::Tensor hidden = embed_tokens_.rows(indices.to(device_));
  if (activations != nullptr) {
    activations->layers.resize(layers_.size());
  }
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    hidden = layers_[layer]->forward(hidden, pass, activations ? &activations->layers[layer] : nullptr);
  }
  if (pass.cache != nullptr) {
    pass.cache->advance(static_cast<std::int64_t>(ids.size()));
  }
  RmsNormResult result = rms_norm(hidden, norm_, config_.rms_norm_eps);
  if (activations != nullptr) {
    activations->last_hidden = hidden;
    activations->final_rstd = result.rstd;
  }
  return result.y;
}

void LlamaForCausalLm::backward(at::Tensor dhidden, Activations& activations, const ForwardPass& pass,
                                GradientSink& sink) const {
  const std::vector<std::size_t> adapted = pass.adapters.linears();
  if (adapted.empty()) {
    return;
  }
  const std::size_t linears_per_layer = linears_.size() / layers_.size();
  const std::size_t lowest = adapted.front() / linears_per_layer;
  at::Tensor gradient = rms_norm_backward(dhidden, activations.last_hidden, norm_, activations.final_rstd);
  dhidden.reset();
  for (std::size_t layer = layers_.size(); layer-- > lowest;) {
    layers_[layer]->backward(gradient, activations.layers[layer], pass, sink, layer > lowest);
    activations.layers[layer] = {};
  }
}

}  // namespace lore
