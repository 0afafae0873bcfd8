#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace lore {

/// Who may read a file besides its owner.
enum class FileAccess { kEveryone, kOwner };

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a temporary file in the same folder; `commit` flushes it to disk, renames it
/// over the target and flushes the folder. Destroyed without `commit`, it leaves nothing.
class AtomicFile {
 public:
  /// Throws: Error kResources when the folder cannot be written to.
  explicit AtomicFile(std::filesystem::path target, FileAccess access = FileAccess::kEveryone);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Throws: Error kResources (disk full, I/O error).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// Puts `bytes` at `offset`, wherever `write` stands. May be called from several threads at once.
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  int fd_ = -1;
};

/// Writes `text` to `target` through an AtomicFile.
void write_file_atomically(const std::filesystem::path& target, std::string_view text,
                           FileAccess access = FileAccess::kEveryone);

/// Flushes a file, or the entries of a folder, to disk. Throws: Error kResources.
void flush_to_disk(const std::filesystem::path& path);

/// Creates `folder` and its parents, as durable as their parents' disk is. Throws: Error kResources.
void create_folders(const std::filesystem::path& folder);

}  // namespace lore
