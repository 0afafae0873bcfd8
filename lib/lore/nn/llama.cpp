#include "lore/nn/llama.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "lore/core/error.h"
#include "lore/nn/layer_loading.h"
#include "lore/nn/model_parameters.h"

namespace lore {

LlamaForCausalLm::LlamaForCausalLm(const WeightSource& source, at::ScalarType dtype, at::Device device,
                                   WeightForm form)
    : config_(source.config()), dtype_(dtype), device_(device), form_(form) {
  ParameterLoader loader(source, dtype, device, form);
  const BaseWeight embedding =
      loader.matrix("model.embed_tokens.weight", config_.vocab_size, config_.hidden_size);
  for (std::int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
    layers_.push_back(load_decoder_layer(loader, config_, static_cast<std::size_t>(layer)));
    for (const Linear* linear : layers_.back()->linears()) {
      linears_.push_back(linear);
    }
  }
  norm_ = loader.norm("model.norm", config_.hidden_size, config_.rms_norm_eps);
  const BaseWeight head = config_.tie_word_embeddings
                              ? embedding
                              : loader.matrix("lm_head.weight", config_.vocab_size, config_.hidden_size);
  lm_head_ = {kHeadModule, linears_.size(), head, {}};
  linears_.push_back(&lm_head_);
  embed_tokens_ = {kEmbeddingModule, linears_.size(), embedding};
  loader.refuse_unused();
  vectors_ = loader.vectors();
  matrices_ = loader.matrices();
  for (const auto& [name, matrix] : matrices_) {
    weight_bytes_ += matrix.bytes();
  }
  for (const auto& [name, vector] : vectors_) {
    weight_bytes_ += vector.nbytes();
  }
  matrices_.emplace("lm_head.weight", head);
}

at::Tensor LlamaForCausalLm::parameter(const std::string& name) const {
  const auto matrix = matrices_.find(name);
  return matrix != matrices_.end() ? matrix->second.dense() : vectors_.at(name);
}

ForwardPass LlamaForCausalLm::pass(const Segments& segments, const AdapterSet& adapters,
                                   std::optional<DropoutKey> dropout,
                                   std::span<KvCache* const> caches) const {
  return {segments, adapters, dropout, rope_rows(config_.rope, config_.head_dim, segments, device_), caches};
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
  indices = indices.to(device_);
  at::Tensor hidden = embed_tokens_.forward(indices, pass.adapters);
  if (activations != nullptr) {
    activations->ids = indices;
    activations->layers.resize(layers_.size());
  }
  for (std::size_t s = 0; s < pass.caches.size(); ++s) {
    pass.caches[s]->reserve(pass.segments.length(static_cast<std::int64_t>(s)));
  }
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    hidden = layers_[layer]->forward(hidden, pass, activations ? &activations->layers[layer] : nullptr);
  }
  for (std::size_t s = 0; s < pass.caches.size(); ++s) {
    pass.caches[s]->advance(pass.segments.length(static_cast<std::int64_t>(s)));
  }
  RmsNormResult result = norm_.forward(hidden, pass.adapters);
  if (activations != nullptr) {
    activations->last_hidden = hidden;
    activations->final_rstd = result.rstd;
  }
  return result.y;
}

void LlamaForCausalLm::backward(at::Tensor dhidden, Activations& activations, const ForwardPass& pass,
                                GradientSink& sink) const {
  const AdapterSet& adapters = pass.adapters;
  const bool trains_embeddings = embed_tokens_.is_trained(adapters);
  std::size_t lowest = 0;
  while (!trains_embeddings && lowest < layers_.size() && !layers_[lowest]->is_trained(adapters)) {
    ++lowest;
  }
  if (lowest == layers_.size()) {
    norm_.backward_weight(dhidden, activations.last_hidden, activations.final_rstd, adapters, sink);
    return;
  }
  at::Tensor gradient =
      norm_.backward(dhidden, activations.last_hidden, activations.final_rstd, adapters, sink);
  dhidden.reset();
  for (std::size_t layer = layers_.size(); layer-- > lowest;) {
    layers_[layer]->backward(gradient, activations.layers[layer], pass, sink,
                             layer > lowest || trains_embeddings);
    activations.layers[layer] = {};
  }
  if (trains_embeddings) {
    embed_tokens_.backward(gradient, activations.ids, adapters, sink);
  }
}

}  // namespace lore
