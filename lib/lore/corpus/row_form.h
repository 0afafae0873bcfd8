#pragma once

#include <vector>

#include "lore/corpus/row.h"
#include "lore/recipe/specs.h"

namespace lore {

/// Brings the rows of one source into one of the forms that become examples:
///
/// - `{"messages": [...]}`, with `tools` and `chat_template_kwargs` where the row has them
/// - `{"prompt": ..., "completion": ...}`: two texts or two lists of messages
/// - `{"text": "..."}`: plain text
///
/// Immutable, usable from several threads at once.
class RowForm {
 public:
  /// Throws: Error kUsage for columns or templates that do not go with the source's format.
  explicit RowForm(const SourceSpec& spec);

  /// One row, or several of a glossary term. Throws: Error kInput, subject what in the row is wrong.
  std::vector<Row> apply(Row row) const;

 private:
  SourceSpec spec_;
};

}  // namespace lore
