#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lore/corpus/row.h"

namespace lore {

/// The names that a source's columns have, for the standard names: `columns` of a recipe's source.
class ColumnNames {
 public:
  /// Pairs of a standard name and the source's own.
  explicit ColumnNames(std::vector<std::pair<std::string, std::string>> names);

  /// The row with its columns under their standard names, in their order. A column of the row's own that has
  /// the standard name of a mapped one is left out.
  /// Throws: Error kInput, subject the column, where the row lacks it.
  Row renamed(Row row) const;

 private:
  std::vector<std::pair<std::string, std::string>> names_;
};

}  // namespace lore
