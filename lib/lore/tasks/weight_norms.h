#pragma once

#include "lore/nn/model_parameters.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// The Frobenius norm of a linear's weight, read a few rows at a time on all threads; the sum is the same for
/// any number of them. Throws: as WeightSource::read_rows.
double weight_norm(const WeightSource& weights, const LinearShape& linear);

/// How two tensors of one shape differ, in float64.
struct TensorDifference {
  double norm_a = 0;
  double norm_b = 0;
  double difference = 0;  ///< ||a - b||_F
  double product = 0;     ///< sum of a b

  /// ||a - b|| / ||a||; infinite for a change of nothing into something.
  double relative() const;
  double cosine() const;
};

/// Compares the parameter of two models. Throws: as WeightSource::read_rows.
TensorDifference compare_tensors(const WeightSource& a, const WeightSource& b,
                                 const ParameterShape& parameter);

}  // namespace lore
