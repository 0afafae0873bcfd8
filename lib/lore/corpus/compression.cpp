#include "lore/corpus/compression.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "lore/core/error.h"

namespace lore {
namespace {

constexpr std::size_t kPartSize = 1 << 17;
constexpr std::string_view kGzipMagic = "\x1F\x8B";
constexpr std::string_view kZstdMagic = "\x28\xB5\x2F\xFD";
/// A skippable frame begins with 0x184D2A50 to 0x184D2A5F; pzstd writes one first.
constexpr std::string_view kZstdSkippable = "\x2A\x4D\x18";

/// The packed bytes, one part at a time.
class PackedBytes {
 public:
  PackedBytes(std::unique_ptr<ByteSource> bytes, std::string shown, std::string_view method)
      : bytes_(std::move(bytes)), shown_(std::move(shown)), method_(method) {}

  /// What is not used up; empty at the end only.
  std::string_view rest() {
    if (used_ == part_size_) {
      before_ += part_size_;
      part_size_ = bytes_->read(part_.data(), part_.size());
      used_ = 0;
    }
    return {part_.data() + used_, part_size_ - used_};
  }
  void use(std::size_t count) { used_ += count; }

  [[noreturn]] void cut_short() const {
    throw Error(ErrorKind::kInput, shown_,
                fmt::format("the {} data ends too early, at byte {}: the file was cut short; copy it again",
                            method_, before_ + used_));
  }
  [[noreturn]] void damaged(std::string_view why) const {
    throw Error(ErrorKind::kInput, shown_,
                fmt::format("the {} data is damaged near byte {} ({}); copy or pack the file again", method_,
                            before_ + used_, why));
  }
  [[noreturn]] void followed() const {
    throw Error(ErrorKind::kInput, shown_,
                fmt::format("something else follows the {} data, at byte {}; pack the file again", method_,
                            before_ + used_));
  }

  /// Takes zeros up to the end. Something else throws.
  void expect_padding() {
    for (std::string_view left = rest(); !left.empty(); left = rest()) {
      const std::size_t other = left.find_first_not_of('\0');
      use(std::min(other, left.size()));
      if (other != std::string_view::npos) {
        followed();
      }
    }
  }

 private:
  std::unique_ptr<ByteSource> bytes_;
  std::string shown_;
  std::string_view method_;
  std::array<char, kPartSize> part_;
  std::size_t part_size_ = 0;
  std::size_t used_ = 0;
  std::uint64_t before_ = 0;
};

class GzipBytes final : public ByteSource {
 public:
  GzipBytes(std::unique_ptr<ByteSource> bytes, const std::string& shown)
      : packed_(std::move(bytes), shown, "gzip") {
    constexpr int kGzipOnly = 16;
    if (inflateInit2(&stream_, MAX_WBITS + kGzipOnly) != Z_OK) {
      throw Error(ErrorKind::kResources, shown, "no memory to unpack gzip data");
    }
  }
  GzipBytes(const GzipBytes&) = delete;
  GzipBytes& operator=(const GzipBytes&) = delete;
  ~GzipBytes() override { inflateEnd(&stream_); }

  std::size_t read(char* buffer, std::size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(size, kPartSize));
    const uInt room = stream_.avail_out;
    while (!finished_ && stream_.avail_out == room) {
      const std::string_view rest = packed_.rest();
      if (rest.empty()) {
        packed_.cut_short();
      }
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
      stream_.avail_in = static_cast<uInt>(rest.size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      packed_.use(rest.size() - stream_.avail_in);
      if (result == Z_STREAM_END) {
        next_member();
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        packed_.damaged(stream_.msg != nullptr ? stream_.msg : "it does not unpack");
      }
    }
    return room - stream_.avail_out;
  }

 private:
  void next_member() {
    const std::string_view rest = packed_.rest();
    if (rest.starts_with(kGzipMagic[0])) {
      inflateReset(&stream_);
      return;
    }
    packed_.expect_padding();
    finished_ = true;
  }

  PackedBytes packed_;
  z_stream stream_ = {};
  bool finished_ = false;
};

class ZstdBytes final : public ByteSource {
 public:
  ZstdBytes(std::unique_ptr<ByteSource> bytes, const std::string& shown)
      : packed_(std::move(bytes), shown, "zstd"), context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) {
      throw Error(ErrorKind::kResources, shown, "no memory to unpack zstd data");
    }
  }

  std::size_t read(char* buffer, std::size_t size) override {
    ZSTD_outBuffer out{buffer, size, 0};
    while (out.pos == 0) {
      const std::string_view rest = packed_.rest();
      if (rest.empty() && between_frames_) {
        return 0;
      }
      if (between_frames_ && rest.starts_with('\0')) {
        packed_.expect_padding();
        return 0;
      }
      ZSTD_inBuffer in{rest.data(), rest.size(), 0};
      const std::size_t result = ZSTD_decompressStream(context_.get(), &out, &in);
      packed_.use(in.pos);
      if (ZSTD_isError(result) != 0) {
        refuse(result);
      }
      between_frames_ = result == 0;
      // At the end of the bytes the decoder may still hold unpacked ones.
      if (rest.empty() && out.pos == 0 && !between_frames_) {
        packed_.cut_short();
      }
    }
    return out.pos;
  }

 private:
  [[noreturn]] void refuse(std::size_t result) const {
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge) {
      packed_.damaged("it was packed with --long over 128 MiB, which takes too much memory");
    }
    if (between_frames_ && ZSTD_getErrorCode(result) == ZSTD_error_prefix_unknown) {
      packed_.followed();
    }
    packed_.damaged(ZSTD_getErrorName(result));
  }

  struct FreeContext {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  PackedBytes packed_;
  std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
  bool between_frames_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> bytes, const std::string& shown) {
  auto sampled = std::make_unique<SampledBytes>(std::move(bytes), kZstdMagic.size());
  const std::string_view first = sampled->sample();
  if (first.starts_with(kGzipMagic)) {
    return std::make_unique<GzipBytes>(std::move(sampled), shown);
  }
  if (first == kZstdMagic || (first.size() == 4 && first.substr(1) == kZstdSkippable &&
                              (static_cast<unsigned char>(first[0]) & 0xF0) == 0x50)) {
    return std::make_unique<ZstdBytes>(std::move(sampled), shown);
  }
  return sampled;
}

}  // namespace lore
