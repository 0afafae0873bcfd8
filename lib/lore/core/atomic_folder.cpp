#include "lore/core/atomic_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"

namespace lore {
namespace {

void flush_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int status = fd < 0 ? -1 : ::fsync(fd);
  const int error = errno;
  if (fd >= 0) {
    ::close(fd);
  }
  if (status != 0) {
    throw Error(ErrorKind::kResources, folder.string(),
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

void AtomicFolder::commit() {
  flush_folder(staging_);
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
  flush_folder(target_.parent_path().empty() ? std::filesystem::path(".") : target_.parent_path());
  if (!old.empty()) {
    std::filesystem::remove_all(old, error);
  }
}

}  // namespace lore
