#pragma once

#include <cstddef>
#include <span>

#include "lore/formats/ggml_type.h"

namespace lore {

/// Encodes one block of 256 values as Q4_K, Q5_K or Q6_K: a scale (and a minimum) of its own for each run of
/// 32 (of 16), which are themselves stored as 6 (8) bits times one F16 for the block.
///
/// Least squares, all the way down: each run is fitted, the runs' scales are rounded, neighbours of the
/// rounded scales are tried, and the block's F16 are fitted again to the codes that came out, as long as the
/// error shrinks. `importance` holds one weight a column, or nothing: then values count by their size.
/// Layouts: ggml-common.h. Returns false when a value is not finite, or a scale is not once stored as F16.
bool encode_k_block(GgmlType type, std::span<const float> values, std::span<const float> importance,
                    std::byte* block);

}  // namespace lore
