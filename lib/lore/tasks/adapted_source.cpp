#include "lore/tasks/adapted_source.h"

#include <ATen/ops/from_blob.h>

#include "lore/nn/tensor_dtype.h"

namespace lore {
namespace {

const std::string kHead = "lm_head.weight";
const std::string kEmbedding = "model.embed_tokens.weight";

bool changes_vocabulary(const StoredAdapter& adapter, const LlamaConfig& config) {
  const std::vector<LinearShape> modules = adaptable_modules(config);
  for (const StoredLowRank& module : adapter.modules()) {
    const std::string& name = modules[module.linear].name;
    if (name == kHeadModule || name == kEmbeddingModule) {
      return true;
    }
  }
  for (const StoredParameter& parameter : adapter.full()) {
    if (parameter.name == kHead || parameter.name == kEmbedding) {
      return true;
    }
  }
  return false;
}

}  // namespace

AdaptedSource::AdaptedSource(const WeightSource& base, const StoredAdapter& adapter)
    : base_(base), adapter_(adapter), config_(base.config()) {
  config_.tie_word_embeddings = config_.tie_word_embeddings && !changes_vocabulary(adapter, config_);
  for (const StoredParameter& parameter : adapter.full()) {
    full_[parameter.name] = &parameter;
  }
}

std::string base_tensor_name(const LlamaConfig& base, const std::string& name) {
  return base.tie_word_embeddings && name == kHead ? kEmbedding : name;
}

at::Tensor AdaptedSource::tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const {
  const auto own = full_.find(name);
  return own != full_.end() ? adapter_.read(*own->second).to(dtype)
                            : base_.tensor(base_tensor_name(base_.config(), name), shape, dtype);
}

void AdaptedSource::read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first,
                              std::int64_t count, float* target) const {
  const auto own = full_.find(name);
  if (own == full_.end()) {
    base_.read_rows(base_tensor_name(base_.config(), name), shape, first, count, target);
    return;
  }
  const TensorView& view = own->second->view;
  const std::int64_t columns = shape.back();
  const std::size_t row_bytes = static_cast<std::size_t>(columns) * size_of(view.dtype);
  const std::byte* bytes = view.bytes.data() + static_cast<std::size_t>(first) * row_bytes;
  const at::Tensor stored = at::from_blob(const_cast<std::byte*>(bytes), {count, columns},
                                          at::TensorOptions(*torch_dtype(view.dtype)));
  at::from_blob(target, {count, columns}, at::TensorOptions(at::kFloat)).copy_(stored);
}

}  // namespace lore
