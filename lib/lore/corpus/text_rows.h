#pragma once

#include <memory>
#include <string>

#include "lore/corpus/row_reader.h"
#include "lore/corpus/text_cursor.h"

namespace lore {

/// Plain text as rows `{"text": ...}`, with LF for each line end. `sample_by` is a choice of the recipe's
/// key:
///
/// - `document`: all of it, exactly. Past 1 MiB it is cut at the next line end: the rows put together are the
///   document.
/// - `paragraph`: lines up to a blank one, without the last line end; cut as a document is.
/// - `line`: each line.
///
/// What is blank is no row. A row with a byte that could not be decoded or a NUL is bad, and its source is
/// the line of that byte.
std::unique_ptr<RowReader> open_text(std::unique_ptr<TextCursor> text, const std::string& sample_by);

}  // namespace lore
