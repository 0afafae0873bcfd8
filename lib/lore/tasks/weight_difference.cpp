#include "lore/tasks/weight_difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lore/core/error.h"
#include "lore/nn/model_parameters.h"

namespace lore {
namespace {

constexpr std::int64_t kPieceElements = 1 << 20;

}  // namespace

WeightDifference& WeightDifference::operator+=(const WeightDifference& other) {
  squared_norm += other.squared_norm;
  max_abs = std::max(max_abs, other.max_abs);
  differing += other.differing;
  elements += other.elements;
  return *this;
}

WeightDifference compare_tensors(const WeightPlace& first, const WeightPlace& second,
                                 const DifferenceVisitor& visit) {
  const std::int64_t columns = first.shape.back();
  const std::int64_t rows = first.shape.size() == 2 ? first.shape.front() : 1;
  const std::int64_t step = std::clamp<std::int64_t>(kPieceElements / columns, 1, rows);
  std::vector<float> one(static_cast<std::size_t>(step * columns));
  std::vector<float> two(one.size());
  WeightDifference difference;
  for (std::int64_t row = 0; row < rows; row += step) {
    const std::int64_t count = std::min(step, rows - row);
    first.source.read_rows(first.name, first.shape, row, count, one.data());
    second.source.read_rows(second.name, second.shape, row, count, two.data());
    const auto elements = static_cast<std::size_t>(count * columns);
    for (std::size_t i = 0; i < elements; ++i) {
      two[i] -= one[i];
      const double apart = two[i];
      difference.squared_norm += apart * apart;
      difference.max_abs = std::max(difference.max_abs, std::abs(apart));
      difference.differing += apart != 0 ? 1 : 0;
    }
    difference.elements += count * columns;
    if (visit) {
      visit(std::span(two).first(elements));
    }
  }
  if (!std::isfinite(difference.squared_norm)) {
    throw Error(ErrorKind::kInput, fmt::format("tensor {}", first.name),
                "holds NaN or infinite values in one of the two models");
  }
  return difference;
}

WeightDifference compare_weights(const WeightSource& first, const WeightSource& second) {
  WeightDifference difference;
  for (const ParameterShape& parameter : model_parameters(first.config())) {
    difference +=
        compare_tensors({first, parameter.name, parameter.shape}, {second, parameter.name, parameter.shape});
  }
  return difference;
}

}  // namespace lore
