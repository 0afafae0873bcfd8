#pragma once

#include "lore/kernels/block_dots.h"

namespace lore {

/// The products by instructions of x86; null where the processor, or the build, has no such.
BlockDots x86_block_dots(BlockForm form, InstructionSet set);

}  // namespace lore
