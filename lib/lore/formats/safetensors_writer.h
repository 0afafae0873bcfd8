#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lore/formats/safetensors_layout.h"

namespace lore {

/// A safetensors file that is written piece by piece, in any order and from several threads, so that no
/// tensor need be in memory whole. The file stands under its own name from the start: write into a
/// folder that nobody reads yet.
class SafetensorsWriter {
 public:
  /// Throws: Error kResources; kInternal as lay_out_safetensors.
  SafetensorsWriter(std::filesystem::path path, std::vector<TensorSpec> tensors,
                    const std::map<std::string, std::string>& metadata);
  SafetensorsWriter(const SafetensorsWriter&) = delete;
  SafetensorsWriter& operator=(const SafetensorsWriter&) = delete;
  ~SafetensorsWriter();

  const std::vector<TensorSpec>& tensors() const { return tensors_; }
  std::uint64_t file_size() const { return layout_.file_size; }

  /// Puts `bytes` at `offset` of the data of the tensor at place `tensor` of `tensors()`.
  /// Throws: Error kResources (disk full, a limit on file sizes); kInternal outside the tensor.
  void write(std::size_t tensor, std::uint64_t offset, std::span<const std::byte> bytes);
  /// Lets the disk begin with what was written there, so that little is left for `flush`.
  void start_flush(std::size_t tensor, std::uint64_t offset, std::uint64_t bytes);
  /// Flushes the file to disk. Throws: Error kResources.
  void flush();

 private:
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path path_;
  std::vector<TensorSpec> tensors_;
  SafetensorsLayout layout_;
  int fd_ = -1;
};

}  // namespace lore
