#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lore/nn/llama_config.h"
#include "lore/nn/stored_matrix.h"

namespace lore {

/// Where a model's tensors come from, under their Hugging Face names.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual const LlamaConfig& config() const = 0;

  /// The tensor `name` as `dtype` on the CPU. Memory-mapped where the file already holds that dtype,
  /// otherwise converted or dequantized into new memory.
  ///
  /// Throws: Error kInput when it is missing or its shape is not `shape`.
  virtual at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const = 0;

  /// Rows [first, first + count) of the matrix `name` as float32, into `target`; a vector is one row.
  /// Takes no memory of its own. May be called from several threads at once.
  /// Throws: as `tensor`.
  virtual void read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first,
                         std::int64_t count, float* target) const = 0;

  /// The blocks of the matrix `name` as the file holds them; nothing where it holds plain numbers.
  /// Throws: as `tensor`.
  virtual std::optional<StoredBlocks> blocks(const std::string& /*name*/, at::IntArrayRef /*shape*/) const {
    return std::nullopt;
  }

  /// Names that are not in `used` and would be part of a model (rotary tables and such are not).
  virtual std::vector<std::string> unused(const std::vector<std::string>& used) const = 0;

  /// The files that hold the weights, for hashing.
  virtual std::vector<std::filesystem::path> files() const = 0;
};

/// Opens a Hugging Face model folder (config.json and safetensors) or a GGUF file.
/// Throws: Error kInput.
std::unique_ptr<WeightSource> open_weights(const std::filesystem::path& model);

}  // namespace lore
