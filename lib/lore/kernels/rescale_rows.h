#pragma once

#include <cstdint>

namespace lore {

/// Turns the update `d` of weights `w`, both [rows, columns], into the one that also scales each row of
/// w + d to the L2 norm `magnitude` [rows] has for it: d = (magnitude / |w + d|) (w + d) - w.
/// A row of zeros stays one.
void rescale_rows(const float* w, float* d, std::int64_t rows, std::int64_t columns, const float* magnitude);

}  // namespace lore
