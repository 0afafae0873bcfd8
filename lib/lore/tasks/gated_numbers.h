#pragma once

#include "lore/eval/gate.h"
#include "lore/tasks/evaluation.h"

namespace lore {

/// Everything that a gate may name: the numbers of all sources together and of each suite; the bounds of
/// their intervals as NUMBER.low and NUMBER.high; the numbers of a group as NUMBER[GROUPING=GROUP], of a file
/// as NUMBER[file=FILE], FILE being its path as asked for or, where one file alone is called so, its name.
GatedNumbers gated_numbers(const Evaluation& evaluation);

}  // namespace lore
