#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lore/nn/low_rank.h"
#include "lore/nn/weight_source.h"
#include "lore/tasks/weight_difference.h"

namespace lore {

/// How many singular values of a difference are kept: the first `rank`, or the fewest whose squares sum to
/// the share `explain` of all, and no more than `rank` where both are given.
struct RankChoice {
  std::optional<std::int64_t> rank;
  std::optional<double> explain;
};

/// The difference D of two weights cut to low rank.
struct LowRankDifference {
  LowRank update;  ///< B = U sqrt(S), A = sqrt(S) V^T, scale 1
  WeightDifference difference;
  double residual = 0;  ///< ||D - B A||^2, measured on the matrices as they are stored
};

/// The differences tuned - base of the tensors of two models.
class DifferenceSvd {
 public:
  DifferenceSvd(const WeightSource& base, const WeightSource& tuned) : base_(base), tuned_(tuned) {}

  /// Throws: Error kInput for a missing tensor, another shape, NaN or infinite values.
  WeightDifference compare(const std::string& base_name, const std::string& tuned_name,
                           const std::vector<std::int64_t>& shape) const;

  /// Nothing for weights that are equal. Holds the difference [out, in] in float32 and what its SVD needs.
  /// Throws: as compare.
  std::optional<LowRankDifference> approximate(const std::string& base_name, const std::string& tuned_name,
                                               const std::vector<std::int64_t>& shape,
                                               const RankChoice& choice) const;

 private:
  const WeightSource& base_;
  const WeightSource& tuned_;
};

}  // namespace lore
