#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lore/corpus/byte_source.h"
#include "lore/corpus/text_encoding.h"

namespace lore {

/// A place in the text of a data file, moving forward only; a fixed part of the file is in memory.
class TextCursor {
 public:
  /// `shown` is the file's name in messages.
  TextCursor(std::unique_ptr<ByteSource> bytes, TextEncoding encoding, std::string shown);

  /// The file at `path`, unpacked and decoded as `encoding` (a choice of the recipe's key) says.
  /// Throws: Error kInput as open_file_bytes, decompressed and detect_encoding do, and for a file that holds
  /// no text at all (see refused_content.h).
  static std::unique_ptr<TextCursor> open(const std::string& path, const std::string& encoding);

  /// The text from here on, as far as it is in memory: at the beginning of the file 256 KiB or all of it;
  /// empty at the end only. Valid until `rest` is called with nothing left.
  std::string_view rest() {
    if (begin_ == end_) {
      fill();
    }
    return {part_.data() + begin_, end_ - begin_};
  }
  /// REQUIRES count <= rest().size()
  void take(std::size_t count) { begin_ += count; }

  /// True once `rest` has shown the last of the text.
  bool is_last_part() const { return is_last_; }

  TextEncoding encoding() const { return encoding_; }
  const std::string& shown() const { return shown_; }
  /// "file:line"
  std::string at(std::int64_t line) const;

 private:
  void fill();

  std::unique_ptr<ByteSource> bytes_;
  TextEncoding encoding_;
  std::string shown_;
  std::string part_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool is_last_ = false;
};

/// Counts the lines of a text that is read in parts. A line ends with LF, CR LF, or CR alone.
class LineCount {
 public:
  std::int64_t line() const { return line_; }
  void pass(char c) {
    if (c == '\n' || c == '\r') {
      line_ += c == '\n' && after_return_ ? 0 : 1;
      after_return_ = c == '\r';
    } else {
      after_return_ = false;
    }
  }
  void pass(std::string_view text) {
    for (const char c : text) {
      pass(c);
    }
  }

 private:
  std::int64_t line_ = 1;
  bool after_return_ = false;
};

}  // namespace lore
