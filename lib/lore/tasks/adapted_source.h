#pragma once

#include <map>

#include "lore/adapters/stored_adapter.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// The weights of a base with the parameters in place that an adapter brings whole. Where the adapter changes
/// embeddings or head of a base that ties the two, the configuration ties them no longer, and
/// "lm_head.weight" is a tensor of its own.
class AdaptedSource final : public WeightSource {
 public:
  /// Both arguments must outlive the source.
  AdaptedSource(const WeightSource& base, const StoredAdapter& adapter);

  const LlamaConfig& config() const override { return config_; }
  at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const override;
  void read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first, std::int64_t count,
                 float* target) const override;
  std::vector<std::string> unused(const std::vector<std::string>& used) const override {
    return base_.unused(used);
  }
  std::vector<std::filesystem::path> files() const override { return base_.files(); }

 private:
  const WeightSource& base_;
  const StoredAdapter& adapter_;
  LlamaConfig config_;
  std::map<std::string, const StoredParameter*> full_;
};

/// The name under which `base` has a parameter: a tied head is its embeddings.
std::string base_tensor_name(const LlamaConfig& base, const std::string& name);

}  // namespace lore
