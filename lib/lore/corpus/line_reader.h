#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lore/corpus/text_cursor.h"

namespace lore {

/// The most bytes that one row may have.
inline constexpr std::size_t kLongestRow = std::size_t{16} << 20;

struct Line {
  std::string_view text = {};  ///< without its end; the first kLongestRow bytes where it is longer
  std::int64_t number = 0;     ///< from 1
  bool is_too_long = false;
  bool has_end = false;  ///< false for the last line where the text ends without a line end
};

/// Cuts a text into lines, ended by LF, CR LF, or CR alone.
class LineReader {
 public:
  explicit LineReader(TextCursor& text) : text_(text) {}

  /// The next line, valid until the next call; nothing at the end. Throws: as the text's bytes do.
  std::optional<Line> next();

 private:
  TextCursor& text_;
  std::string joined_;  // a line that spans parts of the text
  std::int64_t number_ = 0;
  bool after_return_ = false;
};

}  // namespace lore
