#include "lore/kernels/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "lore/kernels/checks.h"
#include "lore/kernels/matmul.h"

namespace lore {
namespace {

/// The type in which products of x are computed: float32 where bfloat16 would be emulated.
at::ScalarType compute_type(const at::Tensor& x) {
  return x.scalar_type() == at::kBFloat16 && x.is_cpu() && !has_native_bf16() ? at::kFloat : x.scalar_type();
}

/// Rows [begin, begin + length) of x [N, H, d] as [1, H, length, d].
at::Tensor heads_first(const at::Tensor& x, std::int64_t begin, std::int64_t length) {
  return x.narrow(0, begin, length).transpose(0, 1).unsqueeze(0);
}

/// 0 where query first + i may see key j, else -inf: [T, L] of x's type.
at::Tensor mask(std::int64_t first, std::int64_t queries, std::int64_t keys, std::int64_t window,
                const at::Tensor& x) {
  const auto options = x.options().dtype(at::kLong);
  const at::Tensor i = at::arange(first, first + queries, options).unsqueeze(1);
  const at::Tensor j = at::arange(keys, options).unsqueeze(0);
  at::Tensor hidden = j > i;
  if (window > 0) {
    hidden = hidden.logical_or(i - j >= window);
  }
  return at::zeros({queries, keys}, x.options())
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
                     k.size(1) > 0 && q.size(1) % k.size(1) == 0 && q.size(0) == tokens,
                 "attention", "q [N, H, d], k and v [N, K, d] with K a divisor of H");
}

/// The window counts only where a segment is longer than it.
bool is_windowed(std::int64_t window, std::int64_t length) { return window > 0 && window < length; }

std::optional<at::Tensor> window_mask(std::int64_t window, std::int64_t length, const at::Tensor& like) {
  return is_windowed(window, length) ? std::optional(mask(0, length, length, window, like)) : std::nullopt;
}

void plain_backward(AttentionGradients& gradients, const at::Tensor& dout, const at::Tensor& q,
                    const at::Tensor& k, const at::Tensor& v, std::int64_t begin, std::int64_t n,
                    std::int64_t window, double scale) {
  const std::int64_t group = q.size(1) / k.size(1);
  const at::Tensor q_rows = q.narrow(0, begin, n);
  const at::Tensor k_rows = k.narrow(0, begin, n);
  const at::Tensor p = probabilities(q_rows, k_rows, mask(0, n, n, window, q).to(at::kFloat), scale);
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
  const at::ScalarType type = compute_type(q);
  const at::Tensor tq = q.to(type);
  const at::Tensor tk = k.to(type);
  const at::Tensor tv = v.to(type);
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    const std::int64_t begin = segments.begin(s);
    const std::int64_t n = segments.length(s);
    at::Tensor rows = result.out.narrow(0, begin, n);
    if (!q.is_cpu()) {
      const at::Tensor p = probabilities(q.narrow(0, begin, n), k.narrow(0, begin, n),
                                         mask(0, n, n, window, q).to(at::kFloat), scale);
      rows.copy_(at::bmm(p, wide_values(v.narrow(0, begin, n), q.size(1) / k.size(1))).transpose(0, 1));
      continue;
    }
    const auto [out, lse] = at::_scaled_dot_product_flash_attention_for_cpu(
        heads_first(tq, begin, n), heads_first(tk, begin, n), heads_first(tv, begin, n), /*dropout_p=*/0.0,
        /*is_causal=*/!is_windowed(window, n), window_mask(window, n, tq), scale);
    rows.copy_(out.squeeze(0).transpose(0, 1));
    result.lse.narrow(0, begin, n).copy_(lse.squeeze(0).transpose(0, 1));
  }
  return result;
}

AttentionGradients attention_backward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k,
                                      const at::Tensor& v, const AttentionResult& result,
                                      const Segments& segments, std::int64_t window, double scale) {
  check(q, k, v, segments.tokens());
  AttentionGradients gradients{at::empty_like(q), at::empty_like(k), at::empty_like(v)};
  const at::ScalarType type = compute_type(q);
  const at::Tensor tq = q.to(type);
  const at::Tensor tk = k.to(type);
  const at::Tensor tv = v.to(type);
  const at::Tensor tout = result.out.to(type);
  const at::Tensor tdout = dout.to(type);
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    const std::int64_t begin = segments.begin(s);
    const std::int64_t n = segments.length(s);
    if (!q.is_cpu()) {
      plain_backward(gradients, dout, q, k, v, begin, n, window, scale);
      continue;
    }
    const at::Tensor lse = result.lse.narrow(0, begin, n).t().contiguous().unsqueeze(0);
    const auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
        heads_first(tdout, begin, n), heads_first(tq, begin, n), heads_first(tk, begin, n),
        heads_first(tv, begin, n), heads_first(tout, begin, n), lse, /*dropout_p=*/0.0,
        /*is_causal=*/!is_windowed(window, n), window_mask(window, n, tq), scale);
    gradients.dq.narrow(0, begin, n).copy_(dq.squeeze(0).transpose(0, 1));
    gradients.dk.narrow(0, begin, n).copy_(dk.squeeze(0).transpose(0, 1));
    gradients.dv.narrow(0, begin, n).copy_(dv.squeeze(0).transpose(0, 1));
  }
  return gradients;
}

at::Tensor attention_cached(const at::Tensor& q, const at::Tensor& k_cache, const at::Tensor& v_cache,
                            std::int64_t first_position, std::int64_t window, double scale) {
  check(q, k_cache, v_cache, q.size(0));
  const std::int64_t keys = k_cache.size(0);
  check_argument(keys >= first_position + q.size(0), "attention_cached", "the new tokens in the cache");
  const at::Tensor additive = mask(first_position, q.size(0), keys, window, q).to(at::kFloat);
  const at::Tensor p = probabilities(q, k_cache, additive, scale);
  return at::bmm(p, wide_values(v_cache, q.size(1) / k_cache.size(1)))
      .transpose(0, 1)
      .to(q.scalar_type())
      .contiguous();
}

}  // namespace lore
