#pragma once

#include <c10/core/ScalarType.h>

#include <optional>

#include "lore/formats/dtype.h"

namespace lore {

/// LibTorch's type for the three that weights are stored in, F32, F16 and BF16; nothing for another.
std::optional<at::ScalarType> torch_dtype(DType dtype);
/// The other way round.
std::optional<DType> stored_dtype(at::ScalarType type);

}  // namespace lore
