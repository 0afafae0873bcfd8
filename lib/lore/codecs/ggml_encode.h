#pragma once

#include <cstddef>
#include <span>

#include "lore/formats/ggml_type.h"

namespace lore {

/// Whether `encode` knows the type: F32, F16, BF16, Q8_0.
bool can_encode(GgmlType type);

/// Encodes float32 values as whole blocks of a GGUF tensor, bit for bit as the `gguf` package's quantize.
/// Any run of whole blocks may be encoded by itself, so rows can be shared out among threads.
/// Returns false when a value is not finite, or is not any more once stored (F16 ends at 65504; Q8_0 keeps
/// the largest value of 32 over 127 as F16).
/// Throws: Error kInternal when the sizes do not agree, or for a type that `can_encode` denies.
bool encode(GgmlType type, std::span<const float> values, std::span<std::byte> blocks);

}  // namespace lore
