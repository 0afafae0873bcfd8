#pragma once

#include <memory>
#include <optional>

#include "lore/corpus/row.h"
#include "lore/recipe/specs.h"

namespace lore {

/// Gives the rows of a source one after another, in a bounded amount of memory.
class RowReader {
 public:
  virtual ~RowReader() = default;
  /// The next row, good or bad; nothing at the end.
  /// Throws: Error kInput for a file that is no data file at all, kResources.
  virtual std::optional<ReadRow> next() = 0;
};

/// Opens all files of a source, in the order of their paths. `spec.path` is resolved; `spec.limit` counts
/// rows, bad ones included.
/// Throws: Error kInput when nothing matches the path.
std::unique_ptr<RowReader> open_rows(const SourceSpec& spec);

}  // namespace lore
