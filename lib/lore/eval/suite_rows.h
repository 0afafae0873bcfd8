#pragma once

#include <vector>

#include "lore/corpus/row.h"
#include "lore/recipe/specs.h"

namespace lore {

/// The rows of a suite's file, at most `limit` of them. Throws: Error kInput with the place of a bad one.
std::vector<Row> read_suite_rows(const SuiteSpec& spec);

}  // namespace lore
