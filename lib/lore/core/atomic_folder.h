#pragma once

#include <filesystem>

namespace lore {

/// A folder that appears under its name only when it is complete.
///
/// Files are written into `staging()`, a sibling folder; `commit` puts it in the target's place and
/// removes what was there. Destroyed without `commit`, it leaves the old folder as it was.
class AtomicFolder {
 public:
  /// Throws: Error kResources.
  explicit AtomicFolder(std::filesystem::path target);
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;
  ~AtomicFolder();

  const std::filesystem::path& staging() const { return staging_; }
  /// Flushes the files written so far to disk: work that `commit` need not do again.
  void flush() const;
  /// Flushes everything and puts it in place.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path staging_;
};

}  // namespace lore
