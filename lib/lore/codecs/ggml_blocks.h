#pragma once

#include <cstddef>
#include <span>

#include "lore/formats/ggml_type.h"

namespace lore {

/// Whether `decode` knows the type: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K.
bool can_decode(GgmlType type);

/// Decodes whole blocks of a GGUF tensor to float32, bit for bit as the `gguf` package's dequantize.
/// Any run of whole blocks may be decoded by itself, so rows can be shared out among threads.
/// Source of the layouts: ggml-common.h.
/// Throws: Error kInternal when the sizes do not agree; kInput for a type that `can_decode` denies.
void decode(GgmlType type, std::span<const std::byte> blocks, std::span<float> values);

}  // namespace lore
