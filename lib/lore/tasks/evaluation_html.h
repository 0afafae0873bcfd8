#pragma once

#include <string>

#include "lore/tasks/evaluation.h"

namespace lore {

/// One HTML file that needs nothing else, for a reader who decides: the verdict, the conditions in words,
/// plots of the numbers with their intervals, tables that sort and filter, every case base beside adapter.
std::string evaluation_html(const Evaluation& evaluation);

}  // namespace lore
