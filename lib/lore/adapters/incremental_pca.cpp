#include "lore/adapters/incremental_pca.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/sign.h>

#include <algorithm>
#include <cmath>

#include "lore/adapters/truncated_svd.h"

namespace lore {
namespace {

/// Keeps the shares of rows that are all alike at 0.
constexpr double kLeastVariance = 1e-300;

}  // namespace

void IncrementalPca::add(const at::Tensor& rows) {
  const at::Tensor x = rows.to(at::kFloat);
  const auto added = static_cast<double>(x.size(0));
  const auto before = static_cast<double>(rows_seen_);
  const at::Tensor mean = x.mean({0}, /*keepdim=*/false, at::kDouble);
  at::Tensor stacked = x.sub(mean.to(at::kFloat));
  total_variance_ += stacked.square().sum(at::kDouble).item<double>();
  if (empty()) {
    mean_ = mean;
  } else {
    // One more row stands for the distance between the means of the batch and of what came before.
    const at::Tensor shift = mean_.sub(mean).mul_(std::sqrt(before / (before + added) * added));
    total_variance_ += shift.square().sum().item<double>();
    stacked = at::cat(
        {components_.mul(singular_values_.unsqueeze(1)), stacked, shift.to(at::kFloat).unsqueeze(0)}, 0);
    mean_ = mean_.mul(before).add_(mean, added).div_(before + added);
  }
  rows_seen_ += x.size(0);
  const TruncatedSvd svd = randomized_svd(stacked, count_);
  const at::Tensor largest = at::gather(svd.vt, 1, at::argmax(at::abs(svd.vt), 1, /*keepdim=*/true));
  components_ = svd.vt.mul(at::sign(largest));
  singular_values_ = svd.s;
}

std::vector<double> IncrementalPca::explained_variance_ratios() const {
  const at::Tensor ratios =
      singular_values_.cpu().to(at::kDouble).square_().div_(std::max(total_variance_, kLeastVariance));
  return {ratios.data_ptr<double>(), ratios.data_ptr<double>() + ratios.numel()};
}

}  // namespace lore
