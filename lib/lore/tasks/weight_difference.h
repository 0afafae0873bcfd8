#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "lore/nn/weight_source.h"

namespace lore {

/// How far two tensors, or two models, are apart.
struct WeightDifference {
  double squared_norm = 0;  ///< sum of squared differences
  double max_abs = 0;
  std::int64_t differing = 0;  ///< elements that are not equal
  std::int64_t elements = 0;

  WeightDifference& operator+=(const WeightDifference& other);
};

/// A tensor of a model; one of one dimension is a single row.
struct WeightPlace {
  const WeightSource& source;
  std::string name;
  std::vector<std::int64_t> shape;
};

/// Takes consecutive elements of second - first, float32, of a tensor from the start on.
using DifferenceVisitor = std::function<void(std::span<const float>)>;

/// Compares two tensors of one shape, as float32, a few megabytes at a time.
/// Throws: Error kInput when one is missing, has another shape, or holds NaN or infinite values.
WeightDifference compare_tensors(const WeightPlace& first, const WeightPlace& second,
                                 const DifferenceVisitor& visit = {});

/// Compares all parameters of the architecture of `first`. Throws: as compare_tensors.
WeightDifference compare_weights(const WeightSource& first, const WeightSource& second);

}  // namespace lore
