#include "lore/corpus/text_cursor.h"

#include <fmt/format.h>

#include "lore/core/printable.h"
#include "lore/corpus/compression.h"
#include "lore/corpus/refused_content.h"

namespace lore {
namespace {

constexpr std::size_t kPartSize = 1 << 18;
constexpr std::size_t kSampleSize = 1 << 20;
constexpr std::size_t kLongestShownPath = 4096;

}  // namespace

TextCursor::TextCursor(std::unique_ptr<ByteSource> bytes, TextEncoding encoding, std::string shown)
    : bytes_(std::move(bytes)), encoding_(encoding), shown_(std::move(shown)), part_(kPartSize, '\0') {}

std::unique_ptr<TextCursor> TextCursor::open(const std::string& path, const std::string& encoding) {
  const std::string shown = printable(path, kLongestShownPath);
  auto bytes = std::make_unique<SampledBytes>(decompressed(open_file_bytes(path, shown), shown), kSampleSize);
  refuse_content(bytes->sample(), shown);
  const DetectedEncoding found = detect_encoding(bytes->sample(), bytes->is_whole(), encoding, shown);
  bytes->skip(found.mark_size);
  return std::make_unique<TextCursor>(as_utf8(std::move(bytes), found.encoding), found.encoding, shown);
}

std::string TextCursor::at(std::int64_t line) const { return fmt::format("{}:{}", shown_, line); }

void TextCursor::fill() {
  begin_ = 0;
  end_ = is_last_ ? 0 : read_fully(*bytes_, part_.data(), part_.size());
  is_last_ = end_ < part_.size();
}

}  // namespace lore
