#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace lore {

/// A new file without a name in `folder`: it is gone when its descriptor is closed, however the process ends.
/// Throws: Error kResources.
int open_unnamed_file(const std::filesystem::path& folder);

/// A file that is written from its beginning to its end, through a buffer. Owns its descriptor.
class AppendFile {
 public:
  /// `name` is what errors call the file.
  AppendFile(int descriptor, std::string name);
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  /// Throws: Error kResources (disk full, I/O error), as all below.
  void append(std::span<const std::byte> bytes);
  template <class T>
  void append_value(const T& value) {
    append(std::as_bytes(std::span(&value, 1)));
  }
  /// Zeros up to the next multiple of `alignment`.
  void align(std::size_t alignment);
  void flush();
  /// Flushes, and reads `bytes.size()` bytes from `offset`.
  void read(std::uint64_t offset, std::span<std::byte> bytes);
  /// Flushes, and writes over what is at `offset`.
  void overwrite(std::uint64_t offset, std::span<const std::byte> bytes);

  std::uint64_t size() const { return size_; }
  int descriptor() const { return descriptor_; }

 private:
  void write_out(std::span<const std::byte> bytes);
  [[noreturn]] void fail(const char* action) const;

  int descriptor_;
  std::string name_;
  std::vector<std::byte> buffer_;
  std::uint64_t size_ = 0;
};

}  // namespace lore
