#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lore/nn/full_parameters.h"

namespace lore {

/// The low-rank update of one Linear: y += scale * dropout(x) A^T B^T.
/// Source: Hu et al., "LoRA", arXiv:2106.09685.
struct LowRank {
  at::Tensor a;  ///< fp32 master [r, in]
  at::Tensor b;  ///< fp32 master [out, r]
  double scale = 1.0;
  double dropout = 0.0;
  /// The masters in the dtype that the products use; refreshed after every optimizer step.
  at::Tensor a_compute;
  at::Tensor b_compute;

  std::int64_t rank() const { return a.size(0); }
  void refresh(at::ScalarType dtype);
};

/// The adapters of a model: for each module that can have one, by its place among adaptable_modules, a
/// LowRank or none; and the parameters that are there whole.
class AdapterSet {
 public:
  explicit AdapterSet(std::size_t modules = 0) : entries_(modules) {}

  const LowRank* find(std::size_t linear) const {
    return linear < entries_.size() && entries_[linear] ? &*entries_[linear] : nullptr;
  }
  LowRank* find(std::size_t linear) { return const_cast<LowRank*>(std::as_const(*this).find(linear)); }
  void set(std::size_t linear, LowRank low_rank) { entries_[linear] = std::move(low_rank); }

  /// Indices of the modules that have a LowRank, ascending.
  std::vector<std::size_t> linears() const;
  const FullParameters& full() const { return full_; }
  FullParameters& full() { return full_; }
  std::int64_t parameter_count() const;
  void refresh(at::ScalarType dtype);

 private:
  std::vector<std::optional<LowRank>> entries_;
  FullParameters full_;
};

/// Names one optimizer step's dropout masks; no key means no dropout.
struct DropoutKey {
  std::uint64_t key;
};

/// What the backward of one adapted Linear yields: its gradients are
/// dA = du^T x [r, in] and dB = dy^T u [out, r]. An int64 dy [N] stands for rows of the identity.
struct LowRankGradient {
  at::Tensor x;   ///< [N, in] input after dropout
  at::Tensor u;   ///< [N, r] x A^T, times scale
  at::Tensor dy;  ///< [N, out]
  at::Tensor du;  ///< [N, r] scale * dy B
};

/// Receives the factors of each gradient as backward reaches them.
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  virtual void accumulate(std::size_t linear, const LowRankGradient& gradient) = 0;
  virtual void accumulate(const FullParameter& parameter, const FullGradient& gradient) = 0;
};

}  // namespace lore
