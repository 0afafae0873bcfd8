#include "lore/formats/safetensors_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "lore/core/error.h"

namespace lore {

SafetensorsWriter::SafetensorsWriter(std::filesystem::path path, std::vector<TensorSpec> tensors,
                                     const std::map<std::string, std::string>& metadata)
    : path_(std::move(path)),
      tensors_(std::move(tensors)),
      layout_(lay_out_safetensors(path_.string(), tensors_, metadata)),
      fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {
  if (fd_ < 0) {
    fail("created");
  }
  try {
    write_at(0, std::as_bytes(std::span(layout_.head)));
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

SafetensorsWriter::~SafetensorsWriter() { ::close(fd_); }

void SafetensorsWriter::write(std::size_t tensor, std::uint64_t offset, std::span<const std::byte> bytes) {
  const std::uint64_t size = *byte_size(tensors_.at(tensor).dtype, tensors_[tensor].shape);
  if (offset > size || bytes.size() > size - offset) {
    throw Error(ErrorKind::kInternal, path_.string(), "bytes outside a tensor would be written");
  }
  write_at(layout_.offsets[tensor] + offset, bytes);
}

void SafetensorsWriter::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      fail("written");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void SafetensorsWriter::start_flush(std::size_t tensor, std::uint64_t offset, std::uint64_t bytes) {
  // A file system that cannot begin early says so, and `flush` does it all.
  ::sync_file_range(fd_, static_cast<off_t>(layout_.offsets.at(tensor) + offset), static_cast<off_t>(bytes),
                    SYNC_FILE_RANGE_WRITE);
}

void SafetensorsWriter::flush() {
  if (::fsync(fd_) != 0) {
    fail("flushed to disk");
  }
}

void SafetensorsWriter::fail(const char* action) const {
  throw Error(ErrorKind::kResources, path_.string(),
              std::string("cannot be ") + action + ": " + std::strerror(errno));
}

}  // namespace lore
