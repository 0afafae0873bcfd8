#pragma once

#include <string>
#include <string_view>

namespace lore {

/// What a tensor in an adapter's file is to its module.
enum class AdapterPart {
  kA,              ///< lora_A.weight [r, in]
  kB,              ///< lora_B.weight [out, r]
  kBiasOfB,        ///< lora_B.bias [out]
  kMagnitude,      ///< lora_magnitude_vector [out], of DoRA
  kEmbeddingA,     ///< lora_embedding_A [r, vocabulary]
  kEmbeddingB,     ///< lora_embedding_B [hidden, r]
  kBaseLayer,      ///< base_layer.weight: the module's own weight, saved beside its adapter
  kTrainedTokens,  ///< token_adapter.trainable_tokens_delta
  kOther           ///< a whole parameter (modules_to_save, bias), or something unknown
};

/// A tensor's name taken apart.
struct AdapterTensorName {
  std::string module;  ///< "model.layers.0.self_attn.q_proj"; for kOther the whole name without prefix
  AdapterPart part = AdapterPart::kOther;
  /// In what the name differs from the one PEFT saves and looks for; empty when in nothing. PEFT passes over
  /// a tensor with such a name in silence.
  std::string mistake;
};

/// Reads names as PEFT's save_pretrained gives them, and the usual mistakes in them: no prefix, a doubled
/// one, the adapter's own name left in ("lora_A.default.weight").
AdapterTensorName parse_adapter_tensor_name(std::string_view name);

/// "base_model.model.MODULE.lora_A.weight". REQUIRES a part other than kOther.
std::string adapter_tensor_name(std::string_view module, AdapterPart part);

/// The number of the decoder layer in a module's name, by its first ".N."; -1 where there is none.
int layer_of_module(std::string_view module);

/// The last part of a module's name: "q_proj".
std::string_view leaf_of_module(std::string_view module);

}  // namespace lore
