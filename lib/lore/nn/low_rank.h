#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lore/nn/base_weight.h"
#include "lore/nn/full_parameters.h"

namespace lore {

struct Linear;

/// What is left of a base weight W after the update that training starts from was taken out of it.
struct Residual {
  BaseWeight weight;  ///< W - scale B A of the start, in W's dtype
  at::Tensor a;       ///< fp32 [r, in] at the start
  at::Tensor b;       ///< fp32 [out, r] at the start
};

/// The low-rank update of one Linear: y += scale * dropout(x) A^T B^T.
/// Source: Hu et al., "LoRA", arXiv:2106.09685.
///
/// With a magnitude m it is DoRA (Liu et al., arXiv:2402.09353): each row of W + scale B A is scaled to
/// the norm that m has for it.
struct LowRank {
  at::Tensor a;  ///< fp32 master [r, in]
  at::Tensor b;  ///< fp32 master [out, r]
  double scale = 1.0;
  double dropout = 0.0;
  at::Tensor magnitude;              ///< fp32 master [out] of DoRA, or undefined
  bool trains_a = true;              ///< false keeps A as it is (FFA-LoRA, arXiv:2403.12313)
  std::optional<Residual> residual;  ///< stands in for the base weight where there is one
  /// The masters in the dtype that the products use; refreshed after every optimizer step.
  at::Tensor a_compute;
  at::Tensor b_compute;
  at::Tensor row_norms;  ///< fp32 [out], of W + scale B A, with a magnitude
  at::Tensor row_gain;   ///< [out] magnitude / row_norms - 1 in the products' dtype, with a magnitude

  std::int64_t rank() const { return a.size(0); }
  bool is_dora() const { return magnitude.defined(); }
  const BaseWeight& base(const BaseWeight& weight) const { return residual ? residual->weight : weight; }
  /// `weight` is that of the Linear.
  void refresh(at::ScalarType dtype, const BaseWeight& weight);
};

/// The L2 norms of the rows of w + scale b a, fp32 [out]; 1 for a row of zeros. w [out, in] of any float
/// dtype, b [out, r], a [r, in]. The sum is float32 and held a few megabytes at a time.
at::Tensor updated_row_norms(const at::Tensor& w, const at::Tensor& b, const at::Tensor& a, double scale);

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
  void erase(std::size_t linear) { entries_[linear].reset(); }

  /// Indices of the modules that have a LowRank, ascending.
  std::vector<std::size_t> linears() const;
  const FullParameters& full() const { return full_; }
  FullParameters& full() { return full_; }
  std::int64_t parameter_count() const;
  /// The same without an A that is not trained.
  std::int64_t trained_parameter_count() const;
  /// `linears` are those of the model.
  void refresh(at::ScalarType dtype, std::span<const Linear* const> linears);

 private:
  std::vector<std::optional<LowRank>> entries_;
  FullParameters full_;
};

/// Names one optimizer step's dropout masks; no key means no dropout.
struct DropoutKey {
  std::uint64_t key;
};

/// What the backward of one adapted Linear yields: its gradients are
/// dA = du^T x [r, in], dB = dy^T u [out, r] and the sum of dmagnitude's rows [out]. An int64 dy [N] stands
/// for rows of the identity.
struct LowRankGradient {
  at::Tensor x;                ///< [N, in] input after dropout; undefined where A is not trained
  at::Tensor u;                ///< [N, r] x A^T, times scale
  at::Tensor dy;               ///< [N, out] of the update, so with DoRA's gain
  at::Tensor du;               ///< [N, r] scale * dy B
  at::Tensor dmagnitude = {};  ///< [N, out] fp32; undefined without a magnitude
};

/// Receives the factors of each gradient as backward reaches them.
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  virtual void accumulate(std::size_t linear, const LowRankGradient& gradient) = 0;
  virtual void accumulate(const FullParameter& parameter, const FullGradient& gradient) = 0;
};

}  // namespace lore
