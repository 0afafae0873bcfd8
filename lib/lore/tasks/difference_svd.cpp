#include "lore/tasks/difference_svd.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "lore/adapters/truncated_svd.h"

namespace lore {
namespace {

/// Where the search for a rank that explains enough begins.
constexpr std::int64_t kFirstGuess = 64;

/// The fewest leading values whose squares sum to `wanted`; nothing when all of them do not.
std::optional<std::int64_t> rank_for(const at::Tensor& values, double wanted) {
  const float* s = values.data_ptr<float>();
  double sum = 0;
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    sum += static_cast<double>(s[i]) * static_cast<double>(s[i]);
    if (sum >= wanted) {
      return i + 1;
    }
  }
  return std::nullopt;
}

TruncatedSvd first_triplets(const TruncatedSvd& svd, std::int64_t rank) {
  return {svd.u.narrow(1, 0, rank), svd.s.narrow(0, 0, rank), svd.vt.narrow(0, 0, rank)};
}

TruncatedSvd chosen_svd(const at::Tensor& matrix, double squared_norm, const RankChoice& choice) {
  const std::int64_t side = std::min(matrix.size(0), matrix.size(1));
  const std::int64_t most = std::min(choice.rank.value_or(side), side);
  if (!choice.explain) {
    return truncated_svd(matrix, most);
  }
  for (std::int64_t guess = std::min(kFirstGuess, most);; guess = std::min(2 * guess, most)) {
    const TruncatedSvd svd = truncated_svd(matrix, guess);
    const auto rank = rank_for(svd.s, *choice.explain * squared_norm);
    if (rank || guess == most) {
      return first_triplets(svd, rank.value_or(svd.s.size(0)));
    }
  }
}

/// ||D - B A||^2; D is overwritten.
double residual_of(at::Tensor& difference, const LowRank& update) {
  difference.addmm_(update.b, update.a, 1, -1);
  const float* values = difference.data_ptr<float>();
  double sum = 0;
  for (std::int64_t i = 0; i < difference.numel(); ++i) {
    sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  }
  return sum;
}

}  // namespace

WeightDifference DifferenceSvd::compare(const std::string& base_name, const std::string& tuned_name,
                                        const std::vector<std::int64_t>& shape) const {
  return compare_tensors({base_, base_name, shape}, {tuned_, tuned_name, shape});
}

std::optional<LowRankDifference> DifferenceSvd::approximate(const std::string& base_name,
                                                            const std::string& tuned_name,
                                                            const std::vector<std::int64_t>& shape,
                                                            const RankChoice& choice) const {
  at::Tensor matrix = at::empty(shape, at::kFloat);
  float* target = matrix.data_ptr<float>();
  LowRankDifference result;
  result.difference = compare_tensors(
      {base_, base_name, shape}, {tuned_, tuned_name, shape},
      [&target](std::span<const float> piece) { target = std::copy(piece.begin(), piece.end(), target); });
  if (result.difference.differing == 0) {
    return std::nullopt;
  }
  const TruncatedSvd svd = chosen_svd(matrix, result.difference.squared_norm, choice);
  const at::Tensor roots = svd.s.sqrt();
  // A rank above the matrix's own is filled up with zeros, so that one rank holds everywhere.
  const std::int64_t rank = choice.explain ? svd.s.size(0) : *choice.rank;
  result.update.b = at::zeros({shape[0], rank}, at::kFloat);
  result.update.a = at::zeros({rank, shape[1]}, at::kFloat);
  result.update.b.narrow(1, 0, svd.s.size(0)).copy_(svd.u.mul(roots));
  result.update.a.narrow(0, 0, svd.s.size(0)).copy_(svd.vt.mul(roots.unsqueeze(1)));
  result.residual = residual_of(matrix, result.update);
  return result;
}

}  // namespace lore
