#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lore/nn/decoder_layer.h"
#include "lore/nn/embedding.h"
#include "lore/nn/head_loss.h"
#include "lore/nn/weight_form.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// Everything the backward pass of one batch needs.
struct Activations {
  std::vector<DecoderLayer::Saved> layers;
  at::Tensor ids;          ///< int64 [N]
  at::Tensor last_hidden;  ///< [N, D] entering the final norm
  at::Tensor final_rstd;   ///< [N] fp32
};

/// A frozen decoder-only language model of the Llama architecture. Immutable: adapters, segments and
/// caches are arguments, so one model serves any number of them at once.
class LlamaForCausalLm {
 public:
  /// Loads the weights of `source` as `dtype` (float32 or bfloat16) on `device`, matrices in `form`;
  /// quantized ones are for the CPU. Throws: Error kInput when a tensor is missing, misshapen or not part of
  /// the architecture, or is to be quantized and not finite.
  LlamaForCausalLm(const WeightSource& source, at::ScalarType dtype, at::Device device, WeightForm form = {});
  LlamaForCausalLm(const LlamaForCausalLm&) = delete;
  LlamaForCausalLm& operator=(const LlamaForCausalLm&) = delete;

  const LlamaConfig& config() const { return config_; }
  at::ScalarType dtype() const { return dtype_; }
  at::Device device() const { return device_; }
  const WeightForm& form() const { return form_; }
  /// The bytes that all weights take, in memory or in a mapped file.
  std::size_t weight_bytes() const { return weight_bytes_; }
  /// All linears in the order of adaptable_modules, the output head last; an AdapterSet is indexed like this
  /// list, and has the embeddings after it.
  const std::vector<const Linear*>& linears() const { return linears_; }
  /// The tensor `name` of the base, in the model's dtype; decoded where it is quantized. "lm_head.weight" is
  /// there for a tied head too.
  at::Tensor parameter(const std::string& name) const;

  /// What a pass over `segments` needs; valid as long as its arguments are. With `caches`, one a segment,
  /// each segment goes on at first_position where its cache ends.
  ForwardPass pass(const Segments& segments, const AdapterSet& adapters,
                   std::optional<DropoutKey> dropout = {}, std::span<KvCache* const> caches = {}) const;

  /// ids (N values in [0, V)) -> hidden states after the final norm [N, D].
  /// `activations`, when given, receives what `backward` needs.
  at::Tensor forward(std::span<const std::int32_t> ids, const ForwardPass& pass,
                     Activations* activations = nullptr) const;

  /// Takes the gradient of forward's result [N, D] down to the lowest thing that is trained. Consumes
  /// `activations`.
  void backward(at::Tensor dhidden, Activations& activations, const ForwardPass& pass,
                GradientSink& sink) const;

  /// What the linears of decoder layer `layer` saw in the pass, without adapters, that left `activations`.
  DecoderLayer::Inputs layer_inputs(std::size_t layer, const Activations& activations) const {
    return layers_[layer]->inputs(activations.layers[layer], AdapterSet());
  }

  /// hidden [N, D] -> logits [N, V], without dropout.
  at::Tensor logits(const at::Tensor& hidden, const AdapterSet& adapters) const {
    return lm_head_.forward(hidden, adapters, {}, nullptr);
  }
  /// The loss of forward's result, as head_loss.
  LinearCrossEntropyResult loss(const at::Tensor& hidden, const std::vector<std::int32_t>& labels,
                                double grad_scale, const ForwardPass& pass, GradientSink* sink) const {
    return head_loss(lm_head_, hidden, labels, grad_scale, pass, sink);
  }
  /// How each label of forward's result fares among all tokens.
  std::vector<LabelScore> label_scores(const at::Tensor& hidden, const std::vector<std::int32_t>& labels,
                                       const ForwardPass& pass) const {
    return head_label_scores(lm_head_, hidden, labels, pass);
  }

 private:
  LlamaConfig config_;
  at::ScalarType dtype_;
  at::Device device_;
  WeightForm form_;
  std::size_t weight_bytes_ = 0;
  Embedding embed_tokens_;
  std::vector<std::unique_ptr<DecoderLayer>> layers_;
  Norm norm_;
  Linear lm_head_;
  std::vector<const Linear*> linears_;
  std::map<std::string, at::Tensor> vectors_;
  std::map<std::string, BaseWeight> matrices_;
};

}  // namespace lore
