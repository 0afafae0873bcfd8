#include "lore/kernels/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "lore/kernels/attention_tiles.h"
#include "lore/kernels/checks.h"

namespace lore {
namespace {

/// 0 where query i may see key j, else -inf: float32 [n, n].
at::Tensor mask(std::int64_t n, std::int64_t window, const at::Tensor& x) {
  const at::Tensor j = at::arange(n, x.options().dtype(at::kLong)).unsqueeze(0);
  const at::Tensor i = j.t();
  at::Tensor hidden = j > i;
  if (window > 0) {
    hidden = hidden.logical_or(i - j >= window);
  }
  return at::zeros({n, n}, x.options().dtype(at::kFloat))
      .masked_fill_(hidden, -std::numeric_limits<double>::infinity());
}

/// Softmax of the scaled scores [H, T, L] in float32, by plain operators.
at::Tensor probabilities(const at::Tensor& q, const at::Tensor& k, const at::Tensor& additive, double scale) {
  const std::int64_t group = q.size(1) / k.size(1);
  const at::Tensor wide_q = q.to(at::kFloat).transpose(0, 1);
  const at::Tensor wide_k = k.to(at::kFloat).transpose(0, 1).repeat_interleave(group, 0);
  return (at::bmm(wide_q, wide_k.transpose(1, 2)) * scale + additive.unsqueeze(0)).softmax(-1);
}

at::Tensor wide_values(const at::Tensor& v, std::int64_t group) {
  return v.to(at::kFloat).transpose(0, 1).repeat_interleave(group, 0);
}

void check(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t tokens) {
  check_argument(q.dim() == 3 && k.dim() == 3 && k.sizes() == v.sizes() && q.size(2) == k.size(2) &&
                     k.size(1) > 0 && q.size(1) % k.size(1) == 0 && q.size(0) == tokens && is_supported(q) &&
                     is_supported(k) && is_supported(v) && q.scalar_type() == k.scalar_type(),
                 "attention", "contiguous q [N, H, d], k and v [N, K, d] of one type with K a divisor of H");
}

void plain_backward(AttentionGradients& gradients, const at::Tensor& dout, const at::Tensor& q,
                    const at::Tensor& k, const at::Tensor& v, std::int64_t begin, std::int64_t n,
                    std::int64_t window, double scale) {
  const std::int64_t group = q.size(1) / k.size(1);
  const at::Tensor q_rows = q.narrow(0, begin, n);
  const at::Tensor k_rows = k.narrow(0, begin, n);
  const at::Tensor p = probabilities(q_rows, k_rows, mask(n, window, q), scale);
  const at::Tensor d = dout.narrow(0, begin, n).to(at::kFloat).transpose(0, 1);
  const at::Tensor dp = at::bmm(d, wide_values(v.narrow(0, begin, n), group).transpose(1, 2));
  const at::Tensor ds = p * (dp - (dp * p).sum(-1, /*keepdim=*/true)) * scale;
  const auto over_group = [&](const at::Tensor& x) {
    return x.view({k.size(1), group, n, k.size(2)}).sum(1).transpose(0, 1);
  };
  gradients.dq.narrow(0, begin, n).copy_(at::bmm(ds, wide_values(k_rows, group)).transpose(0, 1));
  gradients.dk.narrow(0, begin, n)
      .copy_(over_group(at::bmm(ds.transpose(1, 2), q_rows.to(at::kFloat).transpose(0, 1))));
  gradients.dv.narrow(0, begin, n).copy_(over_group(at::bmm(p.transpose(1, 2), d)));
}

}  // namespace

AttentionResult attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const Segments& segments, std::int64_t window, double scale) {
  check(q, k, v, segments.tokens());
  AttentionResult result{at::empty_like(q), at::empty({q.size(0), q.size(1)}, q.options().dtype(at::kFloat))};
  if (q.is_cpu()) {
    attention_by_tiles(result, q, k, v, segments, window, scale);
    return result;
  }
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    const std::int64_t begin = segments.begin(s);
    const std::int64_t n = segments.length(s);
    const at::Tensor p =
        probabilities(q.narrow(0, begin, n), k.narrow(0, begin, n), mask(n, window, q), scale);
    result.out.narrow(0, begin, n)
        .copy_(at::bmm(p, wide_values(v.narrow(0, begin, n), q.size(1) / k.size(1))).transpose(0, 1));
  }
  return result;
}

AttentionGradients attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                      const at::Tensor& v, const AttentionResult& result,
                                      const Segments& segments, std::int64_t window, double scale) {
  check(q, k, v, segments.tokens());
  AttentionGradients gradients{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
  if (q.is_cpu()) {
    attention_backward_by_tiles(gradients, dout, q, k, v, result, segments, window, scale);
    return gradients;
  }
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    plain_backward(gradients, dout, q, k, v, segments.begin(s), segments.length(s), window, scale);
  }
  return gradients;
}

}  // namespace lore
