#include "lore/corpus/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "lore/core/error.h"

namespace lore {
namespace {

std::string system_message(int code) { return std::generic_category().message(code); }

class FileBytes final : public ByteSource {
 public:
  FileBytes(int descriptor, std::string shown) : descriptor_(descriptor), shown_(std::move(shown)) {}
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes() override { close(descriptor_); }

  std::size_t read(char* buffer, std::size_t size) override {
    for (;;) {
      const ssize_t count = ::read(descriptor_, buffer, size);
      if (count >= 0) {
        return static_cast<std::size_t>(count);
      }
      if (errno != EINTR) {
        throw Error(ErrorKind::kInput, shown_, "cannot be read: " + system_message(errno));
      }
    }
  }

 private:
  int descriptor_;
  std::string shown_;
};

}  // namespace

std::size_t read_fully(ByteSource& bytes, char* buffer, std::size_t size) {
  std::size_t filled = 0;
  while (filled < size) {
    const std::size_t count = bytes.read(buffer + filled, size - filled);
    if (count == 0) {
      break;
    }
    filled += count;
  }
  return filled;
}

std::unique_ptr<ByteSource> open_file_bytes(const std::filesystem::path& path, const std::string& shown) {
  // Opening a pipe would wait for its writer; a data file is never one.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    throw Error(ErrorKind::kInput, shown, "cannot be opened: " + system_message(errno));
  }
  auto bytes = std::make_unique<FileBytes>(descriptor, shown);
  struct stat about = {};
  if (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
    throw Error(ErrorKind::kInput, shown, "is not a regular file");
  }
  return bytes;
}

SampledBytes::SampledBytes(std::unique_ptr<ByteSource> bytes, std::size_t sample_size)
    : bytes_(std::move(bytes)) {
  sample_.resize(sample_size);
  sample_.resize(read_fully(*bytes_, sample_.data(), sample_.size()));
  is_whole_ = sample_.size() < sample_size;
}

std::size_t SampledBytes::read(char* buffer, std::size_t size) {
  if (taken_ < sample_.size()) {
    const std::size_t count = std::min(size, sample_.size() - taken_);
    std::memcpy(buffer, sample_.data() + taken_, count);
    taken_ += count;
    return count;
  }
  sample_ = {};
  taken_ = 0;
  return bytes_->read(buffer, size);
}

}  // namespace lore
