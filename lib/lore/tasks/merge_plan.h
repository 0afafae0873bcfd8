#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lore/adapters/stored_adapter.h"
#include "lore/formats/checkpoint.h"
#include "lore/formats/safetensors_layout.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// The base of a merge: its tensors as numbers, and as bytes where they are safetensors.
struct MergeBase {
  std::filesystem::path path;
  std::unique_ptr<WeightSource> weights;  ///< what is written is made of; once adapted, an AdaptedSource
  std::unique_ptr<WeightSource> bare;     ///< the base's own once it is adapted
  std::optional<Checkpoint> checkpoint;   ///< of a folder; nothing for a GGUF file

  /// Opens a folder or a GGUF file. Throws: Error kInput.
  static MergeBase open(const std::filesystem::path& path);
  /// Puts what `adapter` brings whole in its place.
  void adapt(const StoredAdapter& adapter);
};

/// One tensor of the merged model.
struct MergedTensor {
  TensorSpec spec;                    ///< as written
  std::string source;                 ///< the base's tensor that it is made of
  std::optional<TensorView> copy;     ///< stored bytes that are taken over as they are
  std::optional<std::size_t> module;  ///< what is added: a place in StoredAdapter::modules()
};

/// What will be written.
struct MergePlan {
  std::vector<MergedTensor> tensors;             ///< in the order of computation, others after them
  std::vector<std::vector<std::size_t>> shards;  ///< places in `tensors`
  DType dtype = DType::kBF16;                    ///< of most of the weights
  bool converts = false;                         ///< whether weights change their dtype
  bool unties = false;                           ///< whether a tied head becomes a tensor of its own
  std::uint64_t bytes = 0;                       ///< of all tensors
};

/// Plans the merge into `base`, which must be adapted. `dtype` is base, float32, bfloat16 or float16; `base`
/// keeps each tensor's own, and stands for bfloat16 where a GGUF file is quantized, save for vectors that
/// only float32 holds exactly. A tensor larger than `shard_bytes` gets a shard of its own. Throws: Error
/// kInput when the base lacks a tensor, holds one that is not part of its architecture, or one of another
/// shape or type.
MergePlan plan_merge(const MergeBase& base, const StoredAdapter& adapter, const std::string& dtype,
                     std::uint64_t shard_bytes);

/// "model.safetensors" for one shard, else "model-00001-of-00003.safetensors".
std::string shard_name(std::size_t shard, std::size_t shards);

/// "float32", "bfloat16" or "float16".
std::string_view config_name(DType dtype);

}  // namespace lore
