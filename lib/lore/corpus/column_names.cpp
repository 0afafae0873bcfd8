#include "lore/corpus/column_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"
#include "lore/corpus/row_cells.h"

namespace lore {

ColumnNames::ColumnNames(std::vector<std::pair<std::string, std::string>> names) : names_(std::move(names)) {}

Row ColumnNames::renamed(Row row) const {
  if (names_.empty()) {
    return row;
  }
  for (const auto& [standard, own] : names_) {
    if (!row.value.contains(own)) {
      throw Error(ErrorKind::kInput, own,
                  fmt::format("the row lacks this column, which `columns` names for '{}'; its keys: {}",
                              standard, listed_keys(row.value)));
    }
  }
  nlohmann::ordered_json renamed = nlohmann::ordered_json::object();
  for (auto& item : row.value.items()) {
    const std::string& key = item.key();
    const auto own =
        std::find_if(names_.begin(), names_.end(), [&](const auto& name) { return name.second == key; });
    const bool replaced =
        std::any_of(names_.begin(), names_.end(), [&](const auto& name) { return name.first == key; });
    if (own != names_.end()) {
      renamed[own->first] = std::move(item.value());
    } else if (!replaced) {
      renamed[key] = std::move(item.value());
    }
  }
  row.value = std::move(renamed);
  return row;
}

}  // namespace lore
