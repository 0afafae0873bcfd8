#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/core/mapped_file.h"
#include "lore/formats/dtype.h"

namespace lore {

/// A named, typed, row-major little-endian array whose bytes belong to somebody else.
struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

/// A safetensors file, memory-mapped and checked in full when opened.
/// Source: huggingface/safetensors README, "Format". Stricter than the reference reader: no
/// duplicate or unknown keys, no NUL or "../" in names, no byte that belongs to no tensor.
class SafetensorsFile {
 public:
  /// Throws: Error kInput for a file that is missing, damaged or of another format (a pickle, a GGUF).
  static SafetensorsFile open(const std::filesystem::path& path);

  /// Sorted by name. The bytes live as long as `file()`.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  /// Null when there is no such tensor.
  const TensorView* find(std::string_view name) const;
  /// The strings of `__metadata__`.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  std::shared_ptr<const MappedFile> file() const { return file_; }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Writes a safetensors file atomically, byte for byte as Hugging Face's library lays it out:
/// tensors by descending dtype, then name; the header padded with spaces to 8 bytes.
/// `metadata` is usually {"format": "pt"}, which transformers asks for; left out when empty.
/// Throws: Error kInternal when a view's bytes do not fit its shape or a name repeats; kResources on I/O.
void write_safetensors(const std::filesystem::path& path, const std::vector<TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace lore
