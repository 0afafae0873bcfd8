#pragma once

#include <memory>
#include <span>
#include <vector>

#include "lore/nn/decoder_layer.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// Everything the backward pass of one batch needs.
struct Activations {
  std::vector<DecoderLayer::Saved> layers;
  at::Tensor last_hidden;  ///< [N, D] entering the final norm
  at::Tensor final_rstd;   ///< [N] fp32
};

/// A frozen decoder-only language model of the Llama architecture. Immutable: adapters, segments and
/// caches are arguments, so one model serves any number of them at once.
class LlamaForCausalLm {
 public:
  /// Loads the weights of `source` as `dtype` (float32 or bfloat16) on `device`.
  /// Throws: Error kInput when a tensor is missing, misshapen or not part of the architecture.
  LlamaForCausalLm(const WeightSource& source, at::ScalarType dtype, at::Device device);

  const LlamaConfig& config() const { return config_; }
  at::ScalarType dtype() const { return dtype_; }
  at::Device device() const { return device_; }
  /// All linears in order; an AdapterSet is indexed like this list.
  const std::vector<const Linear*>& linears() const { return linears_; }
  const BaseWeight& head() const { return lm_head_; }

  /// What a pass over `segments` needs; valid as long as its arguments are.
  ForwardPass pass(const Segments& segments, const AdapterSet& adapters,
                   std::optional<DropoutKey> dropout = {}, KvCache* cache = nullptr) const;

  /// ids (N values in [0, V)) -> hidden states after the final norm [N, D].
  /// `activations`, when given, receives what `backward` needs.
  at::Tensor forward(std::span<const std::int32_t> ids, const ForwardPass& pass,
                     Activations* activations = nullptr) const;

  /// Takes the gradient of forward's result [N, D] down to the lowest adapter. Consumes `activations`.
  void backward(at::Tensor dhidden, Activations& activations, const ForwardPass& pass,
                GradientSink& sink) const;

  /// hidden [N, D] -> logits [N, V].
  at::Tensor logits(const at::Tensor& hidden) const { return lm_head_.times(hidden); }

 private:
  LlamaConfig config_;
  at::ScalarType dtype_;
  at::Device device_;
  BaseWeight embed_tokens_;
  std::vector<std::unique_ptr<DecoderLayer>> layers_;
  at::Tensor norm_;
  BaseWeight lm_head_;
  std::vector<const Linear*> linears_;
};

}  // namespace lore
