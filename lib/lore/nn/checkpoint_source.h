#pragma once

#include "lore/formats/checkpoint.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// The safetensors of a Hugging Face model folder; matrices that compressed-tensors quantized are
/// dequantized.
class CheckpointSource final : public WeightSource {
 public:
  explicit CheckpointSource(const std::filesystem::path& folder);

  const LlamaConfig& config() const override { return config_; }
  at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const override;
  void read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first, std::int64_t count,
                 float* target) const override;
  std::vector<std::string> unused(const std::vector<std::string>& used) const override;
  std::vector<std::filesystem::path> files() const override;

 private:
  const TensorView& find(const std::string& name, at::IntArrayRef shape) const;

  std::filesystem::path folder_;
  LlamaConfig config_;
  Checkpoint checkpoint_;
};

}  // namespace lore
