#pragma once

#include "lore/recipe/specs.h"

namespace lore {

/// `recipe` as it may be shown to others: of each path its last part alone, so that nothing tells how the
/// folders of one machine are called. Hub ids and names stay.
Recipe shareable(Recipe recipe);

}  // namespace lore
