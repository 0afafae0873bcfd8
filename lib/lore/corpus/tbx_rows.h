#pragma once

#include <memory>

#include "lore/corpus/row_reader.h"
#include "lore/corpus/text_cursor.h"

namespace lore {

/// The entries of a TBX file (ISO 30042: `martif` with `termEntry`, or `tbx` with `conceptEntry`) as rows of
/// a glossary, see TbxEntry. Nothing outside the file is ever read: a DTD that is named is passed over, one
/// that declares entities is refused. `next` throws Error kInput, subject "file:line", where the XML is not
/// well-formed or is something else.
std::unique_ptr<RowReader> open_tbx(std::unique_ptr<TextCursor> text);

}  // namespace lore
