#include "lore/corpus/row_form.h"

namespace lore {

RowForm::RowForm(const SourceSpec& spec) : spec_(spec) {}

std::vector<Row> RowForm::apply(Row row) const {
  std::vector<Row> rows;
  rows.push_back(std::move(row));
  return rows;
}

}  // namespace lore
