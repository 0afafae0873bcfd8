#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lore/nn/llama_config.h"

namespace lore {

/// A tensor that a model of some configuration has, under its Hugging Face name.
struct ParameterShape {
  std::string name;
  std::vector<std::int64_t> shape;
};

/// A linear module W [out, in], without ".weight" in its name.
struct LinearShape {
  std::string name;
  std::int64_t out = 0;
  std::int64_t in = 0;
};

inline constexpr const char* kEmbeddingModule = "model.embed_tokens";
inline constexpr const char* kHeadModule = "lm_head";

/// Every tensor of the model, in the order of computation. A tied head has none of its own.
std::vector<ParameterShape> model_parameters(const LlamaConfig& config);

/// The linears of the decoder layers, in the order that they are computed.
std::vector<LinearShape> model_linears(const LlamaConfig& config);

/// Every module that a low-rank update can be put on, in the order that an AdapterSet has: model_linears, the
/// output head, and the embeddings, whose W is [out = V, in = D].
std::vector<LinearShape> adaptable_modules(const LlamaConfig& config);

/// Those of them that are linears: all but the embeddings.
std::vector<LinearShape> adaptable_linears(const LlamaConfig& config);

}  // namespace lore
