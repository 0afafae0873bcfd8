#pragma once

#include <string>
#include <vector>

#include "lore/corpus/column_names.h"
#include "lore/corpus/glossary_templates.h"
#include "lore/corpus/row.h"
#include "lore/recipe/specs.h"

namespace lore {

/// Brings the rows of one source into one of the forms that become examples:
///
/// - `{"messages": [...]}`
/// - `{"prompt": ..., "completion": ...}`: two texts or two lists of messages
/// - `{"text": "..."}`: plain text
///
/// each with `tools` and `chat_template_kwargs` where the row has them, and nothing else of the row.
/// Cells that hold JSON as text, as those of a table do, are parsed. Immutable, usable from several threads.
class RowForm {
 public:
  /// Throws: Error kUsage for columns or templates that do not go with the source's format; kInput for a bad
  /// file of templates.
  explicit RowForm(const SourceSpec& spec);

  /// One row, or several of a glossary term; never none.
  /// Throws: Error kInput, subject what in the row is wrong, without the source.
  std::vector<Row> apply(Row row) const;

 private:
  std::string format_;
  ColumnNames columns_;
  std::vector<GlossaryTemplate> templates_;
};

}  // namespace lore
