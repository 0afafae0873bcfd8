#include "lore/eval/suite_rows.h"

#include <utility>
#include <variant>

#include "lore/core/error.h"
#include "lore/corpus/row_reader.h"

namespace lore {

std::vector<Row> read_suite_rows(const SuiteSpec& spec) {
  SourceSpec source;
  source.path = spec.path;
  source.limit = spec.limit;
  const auto reader = open_rows(source);
  std::vector<Row> rows;
  while (auto read = reader->next()) {
    if (const auto* bad = std::get_if<BadRow>(&*read)) {
      throw Error(ErrorKind::kInput, bad->source, bad->why);
    }
    rows.push_back(std::get<Row>(std::move(*read)));
  }
  return rows;
}

}  // namespace lore
