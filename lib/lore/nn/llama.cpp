#include "lore/nn/llama.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/kernels/rms_norm.h"
#include "lore/nn/layer_loading.h"

namespace lore {

LlamaForCausalLm::LlamaForCausalLm(const WeightSource& source, at::ScalarType dtype, at::Device device)
    : config_(source.config()), dtype_(dtype), device_(device) {
  ParameterLoader loader(source, dtype, device);
  embed_tokens_ =
      BaseWeight(loader.load("model.embed_tokens.weight", {config_.vocab_size, config_.hidden_size}));
  for (std::int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
    layers_.push_back(load_decoder_layer(loader, config_, static_cast<std::size_t>(layer)));
    for (const Linear* linear : layers_.back()->linears()) {
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
