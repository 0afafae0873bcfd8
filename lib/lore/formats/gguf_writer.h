#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lore/core/atomic_file.h"
#include "lore/formats/ggml_type.h"
#include "lore/formats/gguf_metadata.h"

namespace lore {

/// What a GGUF header says of one tensor. `shape` is in torch's order.
struct GgufTensorSpec {
  std::string name;
  GgmlType type = GgmlType::kF32;
  std::vector<std::int64_t> shape;
};

/// Bytes of a tensor. Throws: Error kInternal when its rows are not whole blocks or the size overflows.
std::uint64_t byte_size(const GgufTensorSpec& tensor);

/// A GGUF file, version 3, that is written piece by piece, in any order and from several threads, so that no
/// tensor need be in memory whole. Tensors follow in the order given, each at a multiple of 32 bytes.
/// The file appears under its name with `commit`; destroyed without it, it leaves nothing.
class GgufWriter {
 public:
  /// Writes the header. Throws: Error kResources; kInternal for a name given twice, longer than the 63
  /// bytes that ggml reads, or a shape that is not whole blocks.
  GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
             std::vector<GgufTensorSpec> tensors);

  const std::vector<GgufTensorSpec>& tensors() const { return tensors_; }
  std::uint64_t file_size() const { return file_size_; }

  /// Puts `bytes` at `offset` of the data of the tensor at place `tensor` of `tensors()`.
  /// Throws: Error kResources; kInternal outside the tensor.
  void write(std::size_t tensor, std::uint64_t offset, std::span<const std::byte> bytes);
  /// Flushes the file to disk and gives it its name. Throws: Error kResources.
  void commit() { file_.commit(); }

 private:
  std::string path_;
  std::vector<GgufTensorSpec> tensors_;
  std::vector<std::uint64_t> offsets_;  ///< of each tensor from the start of the file
  std::uint64_t file_size_ = 0;
  AtomicFile file_;
};

}  // namespace lore
