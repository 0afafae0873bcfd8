#include "lore/kernels/rescale_rows.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace lore {
namespace {

/// The L2 norm of w + d; several sums at once, because one alone waits for each addition.
double norm_of_sum(const float* w, const float* d, std::int64_t count) {
  constexpr std::int64_t kLanes = 8;
  std::array<double, kLanes> squares{};
  const auto add = [&](std::int64_t i, std::int64_t lane) {
    const double value = static_cast<double>(w[i]) + static_cast<double>(d[i]);
    squares[static_cast<std::size_t>(lane)] += value * value;
  };
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      add(i + lane, lane);
    }
  }
  for (; i < count; ++i) {
    add(i, 0);
  }
  double sum = 0;
  for (const double lane : squares) {
    sum += lane;
  }
  return std::sqrt(sum);
}

}  // namespace

void rescale_rows(const float* w, float* d, std::int64_t rows, std::int64_t columns, const float* magnitude) {
  for (std::int64_t row = 0; row < rows; ++row, w += columns, d += columns) {
    const double norm = norm_of_sum(w, d, columns);
    const double gain = norm > 0 ? static_cast<double>(magnitude[row]) / norm : 1;
    for (std::int64_t i = 0; i < columns; ++i) {
      const double sum = static_cast<double>(w[i]) + static_cast<double>(d[i]);
      d[i] = static_cast<float>(gain * sum - static_cast<double>(w[i]));
    }
  }
}

}  // namespace lore
