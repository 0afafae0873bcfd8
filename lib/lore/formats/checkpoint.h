#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lore/formats/safetensors.h"

namespace lore {

/// The tensors of a Hugging Face model folder: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names. Views stay valid while the Checkpoint lives.
class Checkpoint {
 public:
  /// Throws: Error kInput for a folder without safetensors weights, a missing or damaged file,
  /// or a shard that holds other tensors than the index says.
  static Checkpoint open(const std::filesystem::path& folder);

  /// Sorted by name.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  /// Null when there is no such tensor.
  const TensorView* find(std::string_view name) const;
  /// Sorted.
  std::vector<std::string> names() const;
  /// Bytes of all tensors together.
  std::int64_t total_bytes() const { return total_bytes_; }
  /// The weight files, sorted; the index is not among them.
  std::vector<std::filesystem::path> files() const;
  /// The file that `view`, one of `tensors()`, points into; hold it to keep the bytes alive.
  std::shared_ptr<const MappedFile> file_of(const TensorView& view) const;

 private:
  void add(const SafetensorsFile& file);

  std::vector<TensorView> tensors_;
  std::map<std::string, std::size_t, std::less<>> owner_;  ///< index into `files_` by tensor name
  std::vector<std::shared_ptr<const MappedFile>> files_;
  std::int64_t total_bytes_ = 0;
};

}  // namespace lore
