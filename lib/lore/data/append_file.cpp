#include "lore/data/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "lore/core/error.h"

namespace lore {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} * 1024;

}  // namespace

int open_unnamed_file(const std::filesystem::path& folder) {
  std::string pattern = (folder / "lore.XXXXXX.tmp").string();
  const int descriptor = ::mkostemps(pattern.data(), 4, O_CLOEXEC);
  if (descriptor < 0) {
    throw Error(ErrorKind::kResources, folder.string(),
                std::string("no temporary file can be made: ") + std::strerror(errno));
  }
  ::unlink(pattern.c_str());
  return descriptor;
}

AppendFile::AppendFile(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {
  buffer_.reserve(kBufferBytes);
}

AppendFile::~AppendFile() { ::close(descriptor_); }

void AppendFile::fail(const char* action) const {
  throw Error(ErrorKind::kResources, name_, std::string("cannot be ") + action + ": " + std::strerror(errno));
}

void AppendFile::append(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferBytes) {
    flush();
  }
  if (bytes.size() <= kBufferBytes) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return;
  }
  write_out(bytes);
}

void AppendFile::write_out(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      fail("written");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
}

void AppendFile::align(std::size_t alignment) {
  static constexpr std::array<std::byte, 64> kZeros{};
  append(std::span(kZeros).first((alignment - size_ % alignment) % alignment));
}

void AppendFile::flush() {
  write_out(buffer_);
  buffer_.clear();
}

void AppendFile::read(std::uint64_t offset, std::span<std::byte> bytes) {
  flush();
  while (!bytes.empty()) {
    const ssize_t count = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count == 0 || (count < 0 && errno != EINTR)) {
      fail("read back");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    offset += static_cast<std::uint64_t>(std::max<ssize_t>(count, 0));
  }
}

void AppendFile::overwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
  flush();
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno != EINTR) {
      fail("written");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    offset += static_cast<std::uint64_t>(std::max<ssize_t>(written, 0));
  }
}

}  // namespace lore
