#pragma once

#include <cstdint>
#include <string>

#include "lore/corpus/text_cursor.h"

namespace lore {

/// The text of one JSON value within a longer text.
struct JsonText {
  std::string text = {};  ///< the first kLongestRow bytes where it is longer
  std::int64_t line = 0;  ///< where it begins
  bool is_too_long = false;
  bool is_closed = true;  ///< false where the text ended within a bracket
};

/// Finds where JSON values begin and end, by brackets and quotes alone, without building them.
class JsonValueReader {
 public:
  static constexpr int kEnd = -1;

  explicit JsonValueReader(TextCursor& text) : text_(text) {}

  /// Takes `count` bytes, whatever they are. REQUIRES count <= rest().size() of the text.
  void take(std::size_t count);
  /// Takes white space and shows the character after it; kEnd at the end.
  int peek();

  /// What lies before the next comma or closing bracket that belongs to the list around it, white space at
  /// either end left out; a value whose quote is missing ends before an object that begins the next line.
  /// Throws: Error kInput, subject "file:line", where brackets do not match.
  JsonText element();
  /// One object or list, to its closing bracket. REQUIRES peek() is `{` or `[`. Throws: as `element`.
  JsonText bracketed();

  std::int64_t line() const { return lines_.line(); }

 private:
  JsonText value(bool ends_with_bracket);

  TextCursor& text_;
  LineCount lines_;
};

}  // namespace lore
