#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lore/formats/safetensors_layout.h"
#include "lore/tasks/gguf_stream.h"
#include "lore/tasks/int_format.h"

namespace lore {

/// A parameter of the model and how it is stored.
struct FolderTensor {
  std::string source;  ///< Hugging Face name
  std::vector<std::int64_t> shape;
  std::int64_t group = 0;  ///< columns that share a scale; 0 where it is not quantized
  std::size_t shard = 0;
  std::size_t first_spec = 0;  ///< place of its (first) tensor in the shard
};

/// A model folder in the layout of compressed-tensors.
struct FolderPlan {
  IntFormat format;
  DType dtype = DType::kBF16;                   ///< of scales, and of what is not quantized
  std::vector<FolderTensor> tensors;            ///< in the order of computation
  std::vector<std::vector<TensorSpec>> shards;  ///< what each file holds
  std::vector<std::string> unfit;               ///< modules that stay as they are, because of their width
  std::uint64_t bytes = 0;                      ///< of all tensors
};

/// Throws: Error kInput when the model holds tensors that are not part of its architecture.
FolderPlan plan_folder(const WeightSource& source, const IntFormat& format, DType dtype,
                       std::uint64_t shard_bytes);

/// The codes of a planned tensor that is quantized; asked for in the order of the plan.
using IntMatrixOf = std::function<IntMatrix(const FolderTensor&)>;

/// Writes the shards and their index into `folder`. `stop`, asked before every tensor, ends it early: then it
/// returns false.
/// Throws: Error kInput naming a tensor with NaN or infinite values; kRefused where a value is too large for
/// the dtype; kResources.
bool write_folder_tensors(const FolderPlan& plan, const WeightSource& source, const IntMatrixOf& matrix_of,
                          const std::filesystem::path& folder, const std::function<bool()>& stop,
                          const GgufProgress& progress);

/// What `config.json` says of the quantization ("quantization_config" of compressed-tensors).
nlohmann::ordered_json quantization_config(const FolderPlan& plan);

}  // namespace lore
