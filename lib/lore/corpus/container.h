#pragma once

#include <memory>
#include <string_view>

#include "lore/corpus/row_reader.h"
#include "lore/corpus/text_cursor.h"

namespace lore {

/// True for the name of a file that a folder is searched for: what is read, and what holds rows but is
/// refused, so that it is not passed over in silence. `.gz` and `.zst` at the end do not matter.
bool is_data_name(std::string_view name);

/// True for the name of plain text or Markdown.
bool is_text_name(std::string_view name);

/// The rows of one file, by what its text begins with and by its name; `spec` as for open_rows.
/// Throws: Error kInput, subject the file, where it is not told what the text is; kUsage where the source's
/// `sample_by` does not go with it.
std::unique_ptr<RowReader> open_container(std::unique_ptr<TextCursor> text, std::string_view name,
                                          const SourceSpec& spec);

}  // namespace lore
