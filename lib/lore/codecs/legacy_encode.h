#pragma once

#include <cstddef>
#include <span>

#include "lore/formats/ggml_type.h"

namespace lore {

/// Encodes one block of 32 values as Q4_0, Q4_1, Q5_0 or Q5_1, bit for bit as the `gguf` package's quantize:
/// the scale fits the largest value, codes are rounded half away from zero.
/// Returns false when a value is not finite, or its scale is not once stored as F16.
bool encode_legacy_block(GgmlType type, std::span<const float> values, std::byte* block);

/// The same with the scale, and the minimum, that make the squared error least where each column counts as
/// `importance` says. `spread`: the mean square of the row.
bool encode_legacy_block(GgmlType type, std::span<const float> values, std::span<const float> importance,
                         float spread, std::byte* block);

}  // namespace lore
