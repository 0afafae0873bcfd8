#include "lore/core/atomic_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"

namespace lore {
namespace {

/// Flushes a file, or the entries of a folder.
void flush_path(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int status = fd < 0 ? -1 : ::fsync(fd);
  const int error = errno;
  if (fd >= 0) {
    ::close(fd);
  }
  if (status != 0) {
    throw Error(ErrorKind::kResources, path.string(),
                std::string("cannot be flushed to disk: ") + std::strerror(error));
  }
}

}  // namespace

AtomicFolder::AtomicFolder(std::filesystem::path target) : target_(std::move(target)) {
  create_folders(target_.parent_path());
  std::string pattern = target_.string() + ".XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw Error(ErrorKind::kResources, target_.string(),
                std::string("cannot be created: ") + std::strerror(errno));
  }
  staging_ = pattern;
  std::filesystem::permissions(staging_,
                               std::filesystem::perms::group_read | std::filesystem::perms::group_exec |
                                   std::filesystem::perms::others_read | std::filesystem::perms::others_exec,
                               std::filesystem::perm_options::add);
}

AtomicFolder::~AtomicFolder() {
  if (!staging_.empty()) {
    std::error_code error;
    std::filesystem::remove_all(staging_, error);
  }
}

void AtomicFolder::flush() const {
  for (const auto& entry : std::filesystem::directory_iterator(staging_)) {
    if (entry.is_regular_file()) {
      flush_path(entry.path());
    }
  }
  flush_path(staging_);
}

void AtomicFolder::commit() {
  flush();
  std::filesystem::path old;
  std::error_code error;
  if (std::filesystem::exists(target_)) {
    old = staging_.string() + ".old";
    std::filesystem::rename(target_, old, error);
  }
  if (!error) {
    std::filesystem::rename(staging_, target_, error);
  }
  if (error) {
    throw Error(ErrorKind::kResources, target_.string(), "cannot be put in place: " + error.message());
  }
  staging_.clear();
  flush_path(target_.parent_path().empty() ? std::filesystem::path(".") : target_.parent_path());
  if (!old.empty()) {
    std::filesystem::remove_all(old, error);
  }
}

}  // namespace lore
