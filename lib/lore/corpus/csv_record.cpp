#include "lore/corpus/csv_record.h"

#include <fmt/format.h>

#include <utility>

#include "lore/core/error.h"
#include "lore/corpus/line_reader.h"

namespace lore {

bool CsvRecordReader::next(CsvRecord& record) {
  record.raw.clear();
  record.fields.clear();
  record.problem.clear();
  fields_.clear();
  state_ = State::kFieldStart;
  field_begin_ = 0;
  bool is_found = false;
  for (std::string_view rest = text_.rest(); !is_found && !rest.empty(); rest = text_.rest()) {
    std::size_t i = 0;
    // The line ends between records: blank lines, and the LF of a CR LF.
    if (record.raw.empty() && state_ == State::kFieldStart && fields_.empty()) {
      for (; i < rest.size() && (rest[i] == '\n' || rest[i] == '\r'); ++i) {
        lines_.pass(rest[i]);
      }
      record.line = lines_.line();
    }
    const std::size_t begin = i;
    const std::size_t before = record.raw.size();
    while (i < rest.size()) {
      const char c = rest[i];
      is_found = pass(c, before + i - begin, record);
      if (is_found) {
        break;
      }
      lines_.pass(c);
      ++i;
    }
    record.raw.append(rest.substr(begin, i - begin));
    text_.take(i);
    if (record.raw.size() > kLongestRow) {
      if (state_ == State::kQuoted) {
        throw Error(
            ErrorKind::kInput, text_.at(quote_line_),
            fmt::format("the quote that opens here is not closed within {} MiB, so what follows cannot be "
                        "told apart into rows",
                        kLongestRow >> 20));
      }
      if (record.problem.empty()) {
        record.problem = fmt::format("the row is longer than {} MiB", kLongestRow >> 20);
      }
      state_ = State::kSkipLine;
      record.raw.resize(kLongestRow);
    }
  }
  if (state_ == State::kQuoted) {
    throw Error(ErrorKind::kInput, text_.at(quote_line_), "the quote that opens here is never closed");
  }
  if (record.raw.empty()) {
    return false;
  }
  if (record.problem.empty()) {
    end_field(record.raw.size());
    cut_fields(record);
  }
  return true;
}

bool CsvRecordReader::pass(char c, std::size_t at, CsvRecord& record) {
  const bool is_line_end = c == '\n' || c == '\r';
  switch (state_) {
    case State::kFieldStart:
      state_ = State::kPlain;
      if (c == '"') {
        state_ = State::kQuoted;
        quote_line_ = lines_.line();
        return false;
      }
      [[fallthrough]];
    case State::kPlain:
      if (c == delimiter_) {
        end_field(at);
      }
      return is_line_end;
    case State::kQuoted:
      if (c == '"') {
        state_ = State::kAfterQuote;
      }
      return false;
    case State::kAfterQuote:
      if (c == '"') {
        state_ = State::kQuoted;
      } else if (c == delimiter_) {
        end_field(at);
      } else if (!is_line_end) {
        record.problem = fmt::format(
            "something follows the closing quote of field {}, in line {}: a quote inside a quoted "
            "field is doubled",
            fields_.size() + 1, lines_.line());
        state_ = State::kSkipLine;
      }
      return is_line_end;
    case State::kSkipLine:
      return is_line_end;
  }
  return false;
}

void CsvRecordReader::end_field(std::size_t at) {
  const bool is_quoted = state_ == State::kAfterQuote;
  fields_.push_back({field_begin_, at, is_quoted});
  field_begin_ = at + 1;
  state_ = State::kFieldStart;
}

void CsvRecordReader::cut_fields(CsvRecord& record) const {
  record.fields.reserve(fields_.size());
  for (const Field& field : fields_) {
    const std::string_view raw = std::string_view(record.raw).substr(field.begin, field.end - field.begin);
    if (!field.is_quoted) {
      record.fields.emplace_back(raw);
      continue;
    }
    std::string& text = record.fields.emplace_back();
    // Between the outer quotes each quote comes twice.
    for (std::size_t i = 1; i + 1 < raw.size(); ++i) {
      text += raw[i];
      i += raw[i] == '"' ? 1 : 0;
    }
  }
}

}  // namespace lore
