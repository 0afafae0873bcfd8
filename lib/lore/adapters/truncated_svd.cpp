#include "lore/adapters/truncated_svd.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <vector>

#include "lore/core/philox.h"

namespace lore {
namespace {

constexpr std::int64_t kLargestExact = 1024;
constexpr std::int64_t kExtraColumns = 16;
constexpr int kBlocks = 4;

TruncatedSvd leading(const at::Tensor& u, const at::Tensor& s, const at::Tensor& vt, std::int64_t rank) {
  const std::int64_t count = std::min(rank, s.size(0));
  return {u.narrow(1, 0, count).contiguous(), s.narrow(0, 0, count).contiguous(),
          vt.narrow(0, 0, count).contiguous()};
}

/// An orthonormal basis of the columns.
at::Tensor basis(const at::Tensor& columns) { return std::get<0>(at::linalg_qr(columns)); }

at::Tensor random_normal(std::int64_t rows, std::int64_t columns) {
  constexpr std::uint64_t kSeed = 0x5eed;
  PhiloxStream random(kSeed, 0);
  at::Tensor result = at::empty({rows, columns}, at::kFloat);
  std::generate_n(result.data_ptr<float>(), result.numel(), [&] { return random.normal(); });
  return result;
}

}  // namespace

TruncatedSvd randomized_svd(const at::Tensor& matrix, std::int64_t rank) {
  if (matrix.size(0) < matrix.size(1)) {
    const TruncatedSvd transposed = randomized_svd(matrix.t(), rank);
    return {transposed.vt.t().contiguous(), transposed.s, transposed.u.t().contiguous()};
  }
  const std::int64_t width = std::min(rank + kExtraColumns, matrix.size(1));
  std::vector<at::Tensor> blocks;
  blocks.reserve(kBlocks);
  at::Tensor block = basis(at::mm(matrix, random_normal(matrix.size(1), width).to(matrix.device())));
  for (int i = 0; i < kBlocks; ++i) {
    blocks.push_back(block);
    if (i + 1 < kBlocks) {
      block = basis(at::mm(matrix, at::mm(matrix.t(), block)));
    }
  }
  const at::Tensor space = basis(at::cat(blocks, 1));
  const auto [u, s, vt] = at::linalg_svd(at::mm(space.t(), matrix), /*full_matrices=*/false);
  return leading(at::mm(space, u), s, vt, rank);
}

TruncatedSvd truncated_svd(const at::Tensor& matrix, std::int64_t rank) {
  const std::int64_t side = std::min(matrix.size(0), matrix.size(1));
  // Where the Krylov space would be as large as the matrix, the full SVD costs less.
  if (side <= kLargestExact || kBlocks * (rank + kExtraColumns) >= side) {
    const auto [u, s, vt] = at::linalg_svd(matrix, /*full_matrices=*/false);
    return leading(u, s, vt, rank);
  }
  return randomized_svd(matrix, rank);
}

TruncatedSvd factored_svd(const LowRank& low_rank, std::int64_t rank) {
  const auto [qb, rb] = at::linalg_qr(low_rank.b.to(at::kDouble));
  const auto [qa, ra] = at::linalg_qr(low_rank.a.t().to(at::kDouble));
  const auto [u, s, vt] = at::linalg_svd(at::mm(rb, ra.t()).mul_(low_rank.scale), /*full_matrices=*/false);
  return leading(at::mm(qb, u).to(at::kFloat), s.to(at::kFloat), at::mm(vt, qa.t()).to(at::kFloat), rank);
}

}  // namespace lore
