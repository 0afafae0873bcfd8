#pragma once

#include <cstddef>
#include <span>

#include "lore/formats/ggml_type.h"

namespace lore {

/// Whether `encode` knows the type: all that `decode` knows.
bool can_encode(GgmlType type);

/// Encodes float32 values as whole blocks of a GGUF tensor: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1
/// bit for bit as the `gguf` package's quantize, Q4_K, Q5_K and Q6_K by least squares. Any run of whole
/// blocks may be encoded by itself, so rows can be shared out among threads.
///
/// `importance`, where it is not empty, says what each column of a row counts for, and `values` are whole
/// rows: then the types of 4 to 6 bits lose as little as they can of sum importance * (error)^2. Returns
/// false when a value is not finite, or is not any more once stored (F16 ends at 65504; the others keep a
/// scale as F16). Throws: Error kInternal when the sizes do not agree, or for a type that `can_encode`
/// denies.
bool encode(GgmlType type, std::span<const float> values, std::span<std::byte> blocks,
            std::span<const float> importance = {});

}  // namespace lore
