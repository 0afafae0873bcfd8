#pragma once

#include <map>

#include "lore/tasks/adapted_source.h"

namespace lore {

/// The weights of a base with an adapter merged into them, W + scale B A (DoRA: rescaled) computed as they
/// are read, so that the merged model need not be anywhere.
class MergedSource final : public WeightSource {
 public:
  /// Both arguments must outlive the source.
  MergedSource(const WeightSource& base, const StoredAdapter& adapter);

  const LlamaConfig& config() const override { return adapted_.config(); }
  at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const override;
  void read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first, std::int64_t count,
                 float* target) const override;
  std::vector<std::string> unused(const std::vector<std::string>& used) const override {
    return adapted_.unused(used);
  }
  std::vector<std::filesystem::path> files() const override { return adapted_.files(); }

 private:
  AdaptedSource adapted_;
  const StoredAdapter& adapter_;
  std::map<std::string, const StoredLowRank*> modules_;  ///< by the name of their weight
};

}  // namespace lore
