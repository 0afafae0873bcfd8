#include "lore/adapters/base_initialization.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/matmul.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <tuple>

#include "lore/core/error.h"
#include "lore/core/philox.h"

namespace lore {
namespace {

constexpr std::string_view kIterations = "pissa_niter_";

struct Svd {
  at::Tensor u;   ///< [out, k]
  at::Tensor s;   ///< [k], descending
  at::Tensor vh;  ///< [k, in]
};

Svd full_svd(const at::Tensor& w) {
  auto [u, s, vh] = at::linalg_svd(w, /*full_matrices=*/false);
  return {u, s, vh};
}

at::Tensor orthonormal(const at::Tensor& x) { return std::get<0>(at::linalg_qr(x)); }

/// The largest `rank` singular values and some more, which make them exacter.
Svd randomized_svd(const at::Tensor& w, std::int64_t rank, std::int64_t iterations, std::uint64_t seed,
                   std::uint64_t stream) {
  constexpr std::int64_t kOversampling = 8;
  const std::int64_t columns = std::min(rank + kOversampling, std::min(w.size(0), w.size(1)));
  at::Tensor random = at::empty({w.size(1), columns}, at::kFloat);
  PhiloxStream normal(seed, stream);
  for (std::int64_t i = 0; i < random.numel(); ++i) {
    random.data_ptr<float>()[i] = normal.normal();
  }
  at::Tensor basis = orthonormal(at::matmul(w, random.to(w.device())));
  for (std::int64_t i = 0; i < iterations; ++i) {
    basis = orthonormal(at::matmul(w.t(), basis));
    basis = orthonormal(at::matmul(w, basis));
  }
  Svd svd = full_svd(at::matmul(basis.t(), w));
  svd.u = at::matmul(basis, svd.u);
  return svd;
}

}  // namespace

bool starts_from_base(const std::variant<bool, std::string>& init) {
  const auto* name = std::get_if<std::string>(&init);
  return name != nullptr && (*name == "pissa" || name->starts_with(kIterations) || *name == "olora");
}

bool starts_from_data(const std::variant<bool, std::string>& init) {
  const auto* name = std::get_if<std::string>(&init);
  return name != nullptr && *name == "eva";
}

StartingPair starting_pair(const std::string& init, const at::Tensor& weight, std::int64_t rank, double scale,
                           std::uint64_t seed, std::uint64_t stream) {
  const std::int64_t most = std::min(weight.size(0), weight.size(1));
  if (rank > most) {
    throw Error(
        ErrorKind::kUsage, "adapter.init_lora_weights",
        fmt::format("{} takes A and B out of the base, and rank {} is more than a weight [{}, {}] has; "
                    "use at most {}",
                    init, rank, weight.size(0), weight.size(1), most));
  }
  const at::Tensor w = weight.to(at::kFloat);
  if (init == "olora") {
    const auto [q, r] = at::linalg_qr(w);
    return {r.narrow(0, 0, rank).contiguous(), q.narrow(1, 0, rank).contiguous()};
  }
  const Svd svd = init == "pissa"
                      ? full_svd(w)
                      : randomized_svd(w, rank, std::stoll(init.substr(kIterations.size())), seed, stream);
  const at::Tensor root = svd.s.narrow(0, 0, rank).div(scale).sqrt_();
  return {svd.vh.narrow(0, 0, rank).mul(root.unsqueeze(1)).contiguous(),
          svd.u.narrow(1, 0, rank).mul(root).contiguous()};
}

Residual residual_of(const at::Tensor& weight, const StartingPair& start, double scale) {
  const at::Tensor update = at::matmul(start.b, start.a).mul_(scale);
  return {BaseWeight(weight.to(at::kFloat).sub(update).to(weight.scalar_type())), start.a, start.b};
}

PeftConfig doubled_rank(PeftConfig config) {
  const double factor = config.use_rslora ? std::numbers::sqrt2 : 2;  // alpha / sqrt(r) or alpha / r stays
  config.r *= 2;
  config.lora_alpha *= factor;
  for (auto& [pattern, rank] : config.rank_pattern) {
    rank *= 2;
  }
  for (auto& [pattern, alpha] : config.alpha_pattern) {
    alpha *= factor;
  }
  config.init_lora_weights = true;
  return config;
}

StartingPair with_start_taken_off(const StartingPair& trained, const StartingPair& start) {
  return {at::cat({trained.a, start.a}, 0), at::cat({trained.b, start.b.neg()}, 1)};
}

LoraAdapter to_plain_lora(LoraAdapter adapter) {
  const auto* name = std::get_if<std::string>(&adapter.config.init_lora_weights);
  if (name != nullptr && (*name == "orthogonal" || starts_from_data(*name))) {
    // Older tools do not know the name, and it says nothing of the numbers.
    adapter.config.init_lora_weights = true;
  }
  if (!starts_from_base(adapter.config.init_lora_weights)) {
    return adapter;
  }
  adapter.config = doubled_rank(std::move(adapter.config));
  for (const std::size_t linear : adapter.weights.linears()) {
    LowRank& low_rank = *adapter.weights.find(linear);
    const StartingPair plain =
        with_start_taken_off({low_rank.a, low_rank.b}, {low_rank.residual->a, low_rank.residual->b});
    low_rank.a = plain.a;
    low_rank.b = plain.b;
    low_rank.residual.reset();
  }
  return adapter;
}

}  // namespace lore
