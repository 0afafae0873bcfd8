#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

namespace lore {

/// A whole file, read-only and memory-mapped. The bytes live as long as the object;
/// share it (`std::shared_ptr<const MappedFile>`) with whatever points into them.
class MappedFile {
 public:
  /// Throws: Error kInput when the path is missing, not a regular file or unreadable.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  const std::filesystem::path& path() const { return path_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Lets go of the memory that the pages of `part`, a piece of `bytes()`, take in this process; reading
  /// them again brings them back.
  void release(std::span<const std::byte> part) const;
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  MappedFile(std::filesystem::path path, const std::byte* data, std::size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}

  std::filesystem::path path_;
  const std::byte* data_;
  std::size_t size_;
};

}  // namespace lore
