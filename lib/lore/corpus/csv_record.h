#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lore/corpus/text_cursor.h"

namespace lore {

/// One record of a CSV file.
struct CsvRecord {
  std::string raw = {};  ///< as the file has it, without its line end
  std::vector<std::string> fields = {};
  std::int64_t line = 0;     ///< where it begins
  std::string problem = {};  ///< why it has no fields; empty where it has
};

/// Reads the records of RFC 4180: fields between delimiters, in double quotes where they hold a delimiter, a
/// line end or a quote, which is doubled. A quote inside an unquoted field stands for itself. A record ends
/// with LF, CR LF or CR; blank lines are no records.
class CsvRecordReader {
 public:
  CsvRecordReader(TextCursor& text, char delimiter) : text_(text), delimiter_(delimiter) {}

  /// The next record; false at the end. A record that breaks the rules has a problem instead of fields, and
  /// reading goes on after its line.
  /// Throws: Error kInput, subject "file:line", for a quote that is never closed.
  bool next(CsvRecord& record);

 private:
  enum class State { kFieldStart, kPlain, kQuoted, kAfterQuote, kSkipLine };

  /// Where a field lies in the raw record.
  struct Field {
    std::size_t begin;
    std::size_t end;
    bool is_quoted;
  };

  /// Follows `c`, which will stand at `at` in the raw record; true where it ends the record.
  bool pass(char c, std::size_t at, CsvRecord& record);
  void end_field(std::size_t at);
  void cut_fields(CsvRecord& record) const;

  TextCursor& text_;
  char delimiter_;
  LineCount lines_;
  State state_ = State::kFieldStart;
  std::vector<Field> fields_;
  std::size_t field_begin_ = 0;
  std::int64_t quote_line_ = 0;
};

}  // namespace lore
