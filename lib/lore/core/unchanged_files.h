#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace lore {

/// Watches files that stay mapped while work goes on. A file that was written into changes under the work;
/// one that was replaced by another of its name, or removed, does not: the mapping keeps the old one.
class UnchangedFiles {
 public:
  explicit UnchangedFiles(const std::vector<std::filesystem::path>& files);

  /// Throws: Error kInput when one of the files was written into since.
  void check() const;

 private:
  struct State {
    std::filesystem::path path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified_seconds = 0;
    std::int64_t modified_nanoseconds = 0;
  };
  static State state_of(const std::filesystem::path& path);

  std::vector<State> states_;
};

}  // namespace lore
