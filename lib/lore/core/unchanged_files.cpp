#include "lore/core/unchanged_files.h"

#include <sys/stat.h>

#include "lore/core/error.h"

namespace lore {

UnchangedFiles::UnchangedFiles(const std::vector<std::filesystem::path>& files) {
  for (const std::filesystem::path& file : files) {
    states_.push_back(state_of(file));
  }
}

void UnchangedFiles::check() const {
  for (const State& before : states_) {
    const State now = state_of(before.path);
    const bool is_same_file = now.device == before.device && now.inode == before.inode;
    const bool is_written = now.size != before.size || now.modified_seconds != before.modified_seconds ||
                            now.modified_nanoseconds != before.modified_nanoseconds;
    if (is_same_file && is_written) {
      throw Error(ErrorKind::kInput, before.path.string(),
                  "was written into while it was used; what was saved before is not affected");
    }
  }
}

UnchangedFiles::State UnchangedFiles::state_of(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return {path};
  }
  return {path, info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}

}  // namespace lore
