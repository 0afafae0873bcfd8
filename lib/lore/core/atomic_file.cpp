#include "lore/core/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "lore/core/error.h"

namespace lore {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* action) {
  throw Error(ErrorKind::kResources, path.string(),
              std::string("cannot be ") + action + ": " + std::strerror(errno));
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path target, FileAccess access)
    : target_(std::move(target)), temporary_(target_.string() + ".XXXXXX.tmp") {
  std::string pattern = temporary_.string();
  fd_ = ::mkostemps(pattern.data(), 4, O_CLOEXEC);
  if (fd_ < 0) {
    fail(target_, "created");
  }
  temporary_ = pattern;
  ::fchmod(fd_, access == FileAccess::kOwner ? 0600 : 0644);
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) {
    ::close(fd_);
    ::unlink(temporary_.c_str());
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      fail(target_, "written");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      fail(target_, "written");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void AtomicFile::commit() {
  if (::fsync(fd_) != 0) {
    fail(target_, "flushed to disk");
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail(target_, "renamed into place");
  }
  ::close(fd_);
  fd_ = -1;
  flush_to_disk(target_.has_parent_path() ? target_.parent_path() : ".");
}

void write_file_atomically(const std::filesystem::path& target, std::string_view text, FileAccess access) {
  AtomicFile file(target, access);
  file.write(text);
  file.commit();
}

void flush_to_disk(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fail(path, "opened");
  }
  const int status = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (status != 0) {
    errno = error;
    fail(path, "flushed to disk");
  }
}

void create_folders(const std::filesystem::path& folder) {
  if (folder.empty() || std::filesystem::is_directory(folder)) {
    return;
  }
  const std::filesystem::path parent =
      folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
  create_folders(parent);
  std::error_code error;
  std::filesystem::create_directory(folder, error);
  if (error) {
    throw Error(ErrorKind::kResources, folder.string(), "cannot be created: " + error.message());
  }
  flush_to_disk(parent.empty() ? "." : parent);
}

}  // namespace lore
