#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>

#include "lore/corpus/row_reader.h"
#include "lore/corpus/text_cursor.h"

namespace lore {

/// JSON Lines: one object a line, blank lines between them or not.
std::unique_ptr<RowReader> open_json_lines(std::unique_ptr<TextCursor> text);

/// The objects of a JSON list. `before` bytes lead up to the list's `[`; where `in_object`, the list is the
/// only value of an object. A row that is not valid is bad on its own. `next` throws Error kInput with the
/// place where the rest cannot be read: brackets that do not match, a list without an end, something after
/// it.
std::unique_ptr<RowReader> open_json_list(std::unique_ptr<TextCursor> text, std::size_t before,
                                          bool in_object);

/// JSON objects one after another, each over any number of lines; mostly there is one.
/// `next` throws Error kInput as for a list, and where the only object has none of `row_keys` but a list of
/// objects under some other key: that may be the rows.
std::unique_ptr<RowReader> open_json_objects(std::unique_ptr<TextCursor> text,
                                             std::set<std::string> row_keys);

}  // namespace lore
