#pragma once

#include "lore/kernels/attention.h"

namespace lore {

// The CPU's attention: tiles of 64 queries by 64 keys in float32, of which those that no query may see are
// never computed (Dao et al., arXiv:2205.14135). One task is one head of one segment, and its sums have one
// order: the result is bitwise the same for any number of threads.

/// As `attention`, for CPU tensors of checked shapes; fills `result`.
void attention_by_tiles(AttentionResult& result, const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v, const Segments& segments, std::int64_t window, double scale);

/// As `attention_backward`, for CPU tensors of checked shapes; fills `gradients`.
void attention_backward_by_tiles(AttentionGradients& gradients, const at::Tensor& dout, const at::Tensor& q,
                                 const at::Tensor& k, const at::Tensor& v, const AttentionResult& result,
                                 const Segments& segments, std::int64_t window, double scale);

}  // namespace lore
