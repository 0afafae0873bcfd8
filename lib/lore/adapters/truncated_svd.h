#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "lore/nn/low_rank.h"

namespace lore {

/// The leading singular triplets of a matrix M [m, n]: M ~ U diag(S) V^T.
struct TruncatedSvd {
  at::Tensor u;   ///< float32 [m, k]
  at::Tensor s;   ///< float32 [k], descending
  at::Tensor vt;  ///< float32 [k, n]
};

/// The `rank` largest singular triplets (all of them where the matrix has fewer) of a float32 matrix.
///
/// A matrix whose smaller side is at most 1024 gets LAPACK's full SVD. A larger one gets a randomized
/// block Krylov method (Musco and Musco, "Randomized block Krylov methods for stronger and faster
/// approximate singular value decomposition", arXiv:1504.05477) with a fixed seed: a Krylov space of 4
/// blocks of rank + 16 columns, and the best triplets within it. Its error ||M - U S V^T|| is at most a few
/// parts in a thousand above the smallest possible, and equal to it for a matrix of low rank.
TruncatedSvd truncated_svd(const at::Tensor& matrix, std::int64_t rank);

/// The randomized method whatever the size.
TruncatedSvd randomized_svd(const at::Tensor& matrix, std::int64_t rank);

/// The same of M = scale B A from its factors alone, exact to float32: QR of B and A^T, SVD of an r x r core.
TruncatedSvd factored_svd(const LowRank& low_rank, std::int64_t rank);

}  // namespace lore
