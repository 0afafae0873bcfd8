#pragma once

#include <memory>
#include <optional>

#include "lore/corpus/row_reader.h"
#include "lore/corpus/text_cursor.h"

namespace lore {

/// The records of a CSV file (see CsvRecordReader) as objects of texts, by the names in its header. The
/// delimiter is `delimiter`, else what Excel's `sep=` line says, else the one of comma, semicolon and tab
/// that the header holds most of. Throws: Error kInput, subject "file:line", for a header without names, with
/// two equal or empty ones, or with as many of one delimiter as of another.
std::unique_ptr<RowReader> open_csv(std::unique_ptr<TextCursor> text, std::optional<char> delimiter);

}  // namespace lore
