#include "lore/corpus/text_encoding.h"

#include <fmt/format.h>
#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "lore/core/error.h"
#include "lore/core/utf8.h"

namespace lore {
namespace {

constexpr std::size_t kPartSize = 1 << 16;
constexpr char kUndecodable = '\xFF';

/// Decodes by the C library's iconv, with 0xFF in place of what is not valid.
class IconvBytes final : public ByteSource {
 public:
  IconvBytes(std::unique_ptr<ByteSource> bytes, TextEncoding encoding)
      : bytes_(std::move(bytes)),
        converter_(iconv_open("UTF-8", encoding_name(encoding).data())),
        unit_size_(encoding == TextEncoding::kGb18030 ? 1 : 2) {
    if (reinterpret_cast<std::intptr_t>(converter_) == -1) {
      throw Error(ErrorKind::kResources, std::string(encoding_name(encoding)),
                  "the C library of this system cannot decode it");
    }
  }
  IconvBytes(const IconvBytes&) = delete;
  IconvBytes& operator=(const IconvBytes&) = delete;
  ~IconvBytes() override { iconv_close(converter_); }

  std::size_t read(char* buffer, std::size_t size) override {
    while (given_ == decoded_size_ && !(at_end_ && part_size_ == 0)) {
      decode();
    }
    const std::size_t count = std::min(size, decoded_size_ - given_);
    std::memcpy(buffer, decoded_.data() + given_, count);
    given_ += count;
    return count;
  }

 private:
  void decode() {
    if (needs_more_) {
      const std::size_t count = bytes_->read(part_.data() + part_size_, part_.size() - part_size_);
      part_size_ += count;
      at_end_ = count == 0;
    }
    char* in = part_.data();
    char* out = decoded_.data();
    std::size_t left = part_size_;
    std::size_t room = decoded_.size();
    const std::size_t result = iconv(converter_, &in, &left, &out, &room);
    const int failure = result == static_cast<std::size_t>(-1) ? errno : 0;
    needs_more_ = left == 0 || failure == EINVAL;
    if ((failure == EILSEQ || (failure == EINVAL && at_end_)) && room > 0) {
      const std::size_t skipped = std::min(unit_size_, left);
      in += skipped;
      left -= skipped;
      *out++ = kUndecodable;
    }
    std::memmove(part_.data(), in, left);
    part_size_ = left;
    given_ = 0;
    decoded_size_ = static_cast<std::size_t>(out - decoded_.data());
  }

  std::unique_ptr<ByteSource> bytes_;
  iconv_t converter_;
  std::size_t unit_size_;
  std::array<char, kPartSize> part_;  // not decoded yet
  std::size_t part_size_ = 0;
  std::array<char, 2 * kPartSize> decoded_;
  std::size_t decoded_size_ = 0;
  std::size_t given_ = 0;  // of what is decoded
  bool needs_more_ = true;
  bool at_end_ = false;
};

}  // namespace

std::string_view encoding_name(TextEncoding encoding) {
  constexpr std::array<std::string_view, 4> kNames = {"UTF-8", "UTF-16LE", "UTF-16BE", "GB18030"};
  return kNames[static_cast<std::size_t>(encoding)];
}

std::unique_ptr<ByteSource> as_utf8(std::unique_ptr<ByteSource> bytes, TextEncoding encoding) {
  if (encoding == TextEncoding::kUtf8) {
    return bytes;
  }
  return std::make_unique<IconvBytes>(std::move(bytes), encoding);
}

std::string text_problem(std::string_view text, TextEncoding encoding) {
  const std::size_t bad = find_ill_formed(text);
  const std::size_t nul = text.find('\0');
  if (nul < bad) {
    return fmt::format("column {}: a NUL byte, which no text holds", nul + 1);
  }
  if (bad == std::string_view::npos) {
    return {};
  }
  if (encoding == TextEncoding::kUtf8) {
    return fmt::format(
        "column {}: byte 0x{:02X} is not UTF-8; mend it, or set `encoding:` to what the file is written in",
        bad + 1, static_cast<unsigned char>(text[bad]));
  }
  return fmt::format("column {}: bytes that are not {}", bad + 1, encoding_name(encoding));
}

}  // namespace lore
