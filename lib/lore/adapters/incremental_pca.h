#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace lore {

/// The largest principal components of rows that come in batches: what is kept from one batch to the next is
/// the mean, the total variance and the components themselves.
///
/// Source: Ross et al., "Incremental Learning for Robust Visual Tracking", IJCV 77 (2008), as scikit-learn
/// and PEFT have it.
class IncrementalPca {
 public:
  explicit IncrementalPca(std::int64_t count) : count_(count) {}

  /// Takes in rows [N, D] of any float type. REQUIRES N >= count and D >= count.
  void add(const at::Tensor& rows);

  bool empty() const { return !components_.defined(); }
  std::int64_t count() const { return count_; }
  /// fp32 [count, D], orthonormal, of falling variance; the largest element of each is positive.
  const at::Tensor& components() const { return components_; }
  /// Of each component, the share of the variance of all rows so far that lies along it.
  std::vector<double> explained_variance_ratios() const;

 private:
  std::int64_t count_;
  std::int64_t rows_seen_ = 0;
  double total_variance_ = 0;  ///< the squared distances of all rows from the mean, summed
  at::Tensor mean_;            ///< fp64 [D]
  at::Tensor components_;
  at::Tensor singular_values_;  ///< fp32 [count]
};

}  // namespace lore
