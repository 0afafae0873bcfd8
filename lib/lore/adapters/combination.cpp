#include "lore/adapters/combination.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "lore/adapters/low_rank_products.h"
#include "lore/adapters/truncated_svd.h"
#include "lore/core/philox.h"

namespace lore {
namespace {

struct Method {
  CombinationMethod method;
  std::string_view name;
};

constexpr std::array<Method, 11> kMethods{{{CombinationMethod::kCat, "cat"},
                                           {CombinationMethod::kLinear, "linear"},
                                           {CombinationMethod::kTies, "ties"},
                                           {CombinationMethod::kDareLinear, "dare_linear"},
                                           {CombinationMethod::kDareTies, "dare_ties"},
                                           {CombinationMethod::kMagnitudePrune, "magnitude_prune"},
                                           {CombinationMethod::kSvd, "svd"},
                                           {CombinationMethod::kTiesSvd, "ties_svd"},
                                           {CombinationMethod::kDareLinearSvd, "dare_linear_svd"},
                                           {CombinationMethod::kDareTiesSvd, "dare_ties_svd"},
                                           {CombinationMethod::kMagnitudePruneSvd, "magnitude_prune_svd"}}};

bool drops_at_random(CombinationMethod method) { return name_of(method).starts_with("dare"); }

/// A tensor of one adapter, and what it counts for in the sum.
struct Task {
  at::Tensor values;
  double weight;
  std::uint64_t stream;  ///< of its random numbers
};

/// Keeps the largest magnitudes.
at::Tensor keep_largest(const at::Tensor& values, double density) {
  const auto count = static_cast<std::int64_t>(density * static_cast<double>(values.numel()));
  const at::Tensor places = std::get<1>(at::topk(values.abs().reshape(-1), count));
  at::Tensor mask = at::zeros_like(values).reshape(-1);
  mask.index_fill_(0, places, 1);
  return values.mul(mask.view(values.sizes()));
}

/// Keeps each element with probability `density`, and scales what is kept to the same expectation.
at::Tensor keep_some(const at::Tensor& values, double density, std::uint64_t seed, std::uint64_t stream) {
  PhiloxStream random(seed, stream);
  at::Tensor mask = at::empty_like(values, at::MemoryFormat::Contiguous);
  const auto limit = static_cast<float>(density);
  std::generate_n(mask.data_ptr<float>(), mask.numel(),
                  [&] { return random.uniform() < limit ? 1.0F : 0.0F; });
  return mask.mul_(values).div_(density);
}

at::Tensor prune(const Task& task, const Combination& combination) {
  if (!prunes(combination.method) || combination.density >= 1) {
    return task.values;
  }
  return drops_at_random(combination.method)
             ? keep_some(task.values, combination.density, combination.seed, task.stream)
             : keep_largest(task.values, combination.density);
}

/// The weighted sum; where signs are elected, of the elements with the elected sign, divided by their number.
at::Tensor weighted_sum(std::span<const Task> tasks, const Combination& combination) {
  std::vector<at::Tensor> pruned;
  pruned.reserve(tasks.size());
  for (const Task& task : tasks) {
    pruned.push_back(prune(task, combination));
  }
  at::Tensor sum = at::zeros_like(pruned.front());
  if (!elects_signs(combination.method)) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      sum.add_(pruned[i].mul(tasks[i].weight));
    }
    return sum;
  }
  at::Tensor votes = at::zeros_like(sum);
  for (const at::Tensor& values : pruned) {
    votes.add_(combination.sign_by_count ? values.sign() : values);
  }
  const at::Tensor elected = at::where(votes.ge(0), 1.0, -1.0);
  at::Tensor agreeing = at::zeros_like(sum);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const at::Tensor agrees = pruned[i].sign().eq(elected).to(at::kFloat);
    sum.add_(pruned[i].mul(tasks[i].weight).mul_(agrees));
    agreeing.add_(agrees);
  }
  return sum.div_(agreeing.clamp_min_(1));
}

std::uint64_t stream_of(std::uint64_t module, std::size_t adapter, std::uint64_t matrix) {
  constexpr std::uint64_t kMatrices = 2;
  return (module << 32U) + adapter * kMatrices + matrix;
}

/// A and B filled up with zeros to `rank`.
LowRank padded(const at::Tensor& a, const at::Tensor& b, std::int64_t rank) {
  LowRank result;
  result.a = at::zeros({rank, a.size(1)}, at::kFloat);
  result.b = at::zeros({b.size(0), rank}, at::kFloat);
  result.a.narrow(0, 0, a.size(0)).copy_(a);
  result.b.narrow(1, 0, b.size(1)).copy_(b);
  return result;
}

LowRank concatenated(std::span<const WeightedLowRank> parts) {
  std::vector<at::Tensor> a;
  std::vector<at::Tensor> b;
  for (const WeightedLowRank& part : parts) {
    a.push_back(part.low_rank.a.mul(part.weight * part.low_rank.scale));
    b.push_back(part.low_rank.b);
  }
  LowRank result;
  result.a = at::cat(a, 0);
  result.b = at::cat(b, 1);
  return result;
}

LowRank matrix_by_matrix(std::span<const WeightedLowRank> parts, const Combination& combination,
                         std::uint64_t module) {
  std::vector<Task> a;
  std::vector<Task> b;
  for (const WeightedLowRank& part : parts) {
    // The weight is spread over both matrices; its sign goes with one of them.
    const double weight = part.weight * part.low_rank.scale;
    const double root = std::sqrt(std::abs(weight));
    a.push_back({part.low_rank.a, weight >= 0 ? root : -root, stream_of(module, part.adapter, 0)});
    b.push_back({part.low_rank.b, root, stream_of(module, part.adapter, 1)});
  }
  LowRank result;
  result.a = weighted_sum(a, combination);
  result.b = weighted_sum(b, combination);
  return result;
}

TruncatedSvd svd_of_sum(std::span<const WeightedLowRank> parts, const Combination& combination,
                        std::int64_t rank, std::uint64_t module) {
  if (combination.method == CombinationMethod::kSvd) {
    return factored_svd(concatenated(parts), rank);
  }
  std::vector<Task> tasks;
  for (const WeightedLowRank& part : parts) {
    tasks.push_back({dense_update(part.low_rank), part.weight, stream_of(module, part.adapter, 0)});
  }
  return truncated_svd(weighted_sum(tasks, combination), rank);
}

}  // namespace

std::string_view name_of(CombinationMethod method) {
  return std::find_if(kMethods.begin(), kMethods.end(), [&](const Method& m) { return m.method == method; })
      ->name;
}

std::optional<CombinationMethod> combination_method(std::string_view name) {
  const auto* const found =
      std::find_if(kMethods.begin(), kMethods.end(), [&](const Method& m) { return m.name == name; });
  return found == kMethods.end() ? std::nullopt : std::optional(found->method);
}

std::vector<std::string> combination_method_names() {
  std::vector<std::string> names;
  names.reserve(kMethods.size());
  for (const Method& method : kMethods) {
    names.emplace_back(method.name);
  }
  return names;
}

bool is_svd(CombinationMethod method) { return name_of(method).ends_with("svd"); }

bool prunes(CombinationMethod method) {
  return elects_signs(method) || drops_at_random(method) || name_of(method).starts_with("magnitude");
}

bool elects_signs(CombinationMethod method) { return name_of(method).find("ties") != std::string_view::npos; }

std::int64_t combined_rank(CombinationMethod method, std::span<const std::int64_t> ranks,
                           std::int64_t svd_rank) {
  if (is_svd(method)) {
    return svd_rank;
  }
  return method == CombinationMethod::kCat ? std::accumulate(ranks.begin(), ranks.end(), std::int64_t{0})
                                           : *std::max_element(ranks.begin(), ranks.end());
}

LowRank combine(std::span<const WeightedLowRank> parts, const Combination& combination, std::int64_t rank,
                std::uint64_t module) {
  if (is_svd(combination.method)) {
    const TruncatedSvd svd = svd_of_sum(parts, combination, rank, module);
    return padded(svd.vt, svd.u.mul(svd.s), rank);
  }
  const LowRank result = combination.method == CombinationMethod::kCat
                             ? concatenated(parts)
                             : matrix_by_matrix(parts, combination, module);
  return padded(result.a, result.b, rank);
}

}  // namespace lore
