#include "lore/core/atomic_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "lore/core/atomic_file.h"
#include "lore/core/error.h"

namespace lore {
namespace {

/// Renames `staging` to `target`. Returns where the old target is now; empty where there was none.
std::filesystem::path put_in_place(const std::filesystem::path& staging,
                                   const std::filesystem::path& target) {
  // Exchanged in one step: at any moment one of the two stands under the name.
  if (::renameat2(AT_FDCWD, staging.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    return staging;
  }
  std::filesystem::path old;
  std::error_code error;
  if (errno != ENOENT) {  // a file system that cannot exchange
    old = staging.string() + ".old";
    std::filesystem::rename(target, old, error);
  }
  if (!error) {
    std::filesystem::rename(staging, target, error);
    if (error && !old.empty()) {
      std::error_code ignored;
      std::filesystem::rename(old, target, ignored);
    }
  }
  if (error) {
    throw Error(ErrorKind::kResources, target.string(), "cannot be put in place: " + error.message());
  }
  return old;
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
  for (const auto& entry : std::filesystem::recursive_directory_iterator(staging_)) {
    flush_to_disk(entry.path());
  }
  flush_to_disk(staging_);
}

void AtomicFolder::commit() {
  flush();
  const std::filesystem::path old = put_in_place(staging_, target_);
  staging_.clear();
  flush_to_disk(target_.has_parent_path() ? target_.parent_path() : ".");
  if (!old.empty()) {
    std::error_code error;
    std::filesystem::remove_all(old, error);
  }
}

}  // namespace lore
