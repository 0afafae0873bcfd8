#pragma once

#include <filesystem>

namespace lore {

/// Keeps other processes of Lore from writing into a folder, as long as it lives. The lock is the kernel's
/// (flock(2) on the folder itself): nothing is left behind, whatever ends the process.
class FolderLock {
 public:
  /// Throws: Error kRefused when another process holds it; kResources when the folder cannot be opened. On a
  /// file system without locks nothing is held.
  explicit FolderLock(const std::filesystem::path& folder);
  /// Whether the folder still stands at `path`: it was not removed, moved or unmounted.
  bool is_at(const std::filesystem::path& path) const;

  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  int fd_ = -1;
};

}  // namespace lore
