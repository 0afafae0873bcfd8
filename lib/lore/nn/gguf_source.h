#pragma once

#include "lore/formats/gguf.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// The tensors of a GGUF file under their Hugging Face names: dequantized, and with the rows of
/// q and k back in Hugging Face's order (llama.cpp interleaves the two rotary halves of
/// architecture llama; qwen2 and qwen3 are stored as they are).
class GgufSource final : public WeightSource {
 public:
  explicit GgufSource(const std::filesystem::path& file);

  const LlamaConfig& config() const override { return config_; }
  at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const override;
  void read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first, std::int64_t count,
                 float* target) const override;
  /// Mapped, or a copy with its rows in Hugging Face's order.
  std::optional<StoredBlocks> blocks(const std::string& name, at::IntArrayRef shape) const override;
  std::vector<std::string> unused(const std::vector<std::string>& used) const override;
  std::vector<std::filesystem::path> files() const override { return {path_}; }

 private:
  const GgufTensor& find(const std::string& name, at::IntArrayRef shape) const;

  std::filesystem::path path_;
  GgufFile file_;
  LlamaConfig config_;
};

/// Whether the rows of the tensor `hf_name` are interleaved in a GGUF file: those of q and k in architecture
/// llama, which Llama and Mistral are stored as.
bool gguf_interleaves(const LlamaConfig& config, const std::string& hf_name);

/// Where row `row` of an interleaved Hugging Face matrix lies in the GGUF one: llama.cpp stores the row pair
/// (i, i + d/2) of each head next to each other.
std::int64_t interleaved_row(std::int64_t row, std::int64_t head_dim);
/// The inverse: the Hugging Face row that lies at row `row` of the GGUF matrix.
std::int64_t deinterleaved_row(std::int64_t row, std::int64_t head_dim);

/// "model.layers.3.self_attn.q_proj.weight" -> "blk.3.attn_q.weight"; empty when GGUF has no such tensor.
std::string gguf_tensor_name(const std::string& hf_name);

}  // namespace lore
