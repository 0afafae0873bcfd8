#include "lore/kernels/attention.h"

#include "unit/kernels/oracle.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

/// Causal, windowed attention of one piece in plain operators that autograd follows.
at::Tensor oracle(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, std::int64_t first,
                  std::int64_t window, double scale) {
  const std::int64_t group = q.size(1) / k.size(1);
  const at::Tensor wide_k = k.transpose(0, 1).repeat_interleave(group, 0);
  const at::Tensor wide_v = v.transpose(0, 1).repeat_interleave(group, 0);
  const at::Tensor i = at::arange(first, first + q.size(0)).unsqueeze(1);
  const at::Tensor j = at::arange(k.size(0)).unsqueeze(0);
  at::Tensor hidden = j > i;
  if (window > 0) {
    hidden = hidden.logical_or(i - j >= window);
  }
  const at::Tensor scores = q.transpose(0, 1).bmm(wide_k.transpose(1, 2)) * scale;
  return scores.masked_fill(hidden, -1e30).softmax(-1).bmm(wide_v).transpose(0, 1);
}

}  // namespace

TEST_CASE("attention and its backward agree with autograd over segments, groups and windows") {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const std::int64_t heads : {3, 4}) {
      for (const std::int64_t window : {0, 5, 500}) {
        lore::Segments segments;
        for (const std::int64_t length : {17, 1, 131, 6}) {
          segments.append(length);
        }
        const std::int64_t kv_heads = heads == 3 ? 1 : 2;
        const std::int64_t d = heads == 3 ? 16 : 25;
        const std::int64_t n = segments.tokens();
        const double scale = 0.3;
        const at::Tensor q = random_tensor({n, heads, d}, dtype, 1);
        const at::Tensor k = random_tensor({n, kv_heads, d}, dtype, 2);
        const at::Tensor v = random_tensor({n, kv_heads, d}, dtype, 3);
        const at::Tensor dout = random_tensor({n, heads, d}, dtype, 4);
        const at::Tensor q_leaf = leaf(q);
        const at::Tensor k_leaf = leaf(k);
        const at::Tensor v_leaf = leaf(v);
        std::vector<at::Tensor> pieces;
        for (std::int64_t s = 0; s < segments.count(); ++s) {
          const std::int64_t begin = segments.begin(s);
          const std::int64_t length = segments.length(s);
          pieces.push_back(oracle(q_leaf.narrow(0, begin, length), k_leaf.narrow(0, begin, length),
                                  v_leaf.narrow(0, begin, length), 0, window, scale));
        }
        const at::Tensor expected = at::cat(pieces, 0);
        expected.backward(dout.to(at::kFloat));
        const lore::AttentionResult result = lore::attention(q, k, v, segments, window, scale);
        INFO("heads " << heads << " window " << window);
        CHECK(relative_difference(result.out, expected) <= tolerance(dtype));
        const lore::AttentionGradients gradients =
            lore::attention_backward(dout, q, k, v, result, segments, window, scale);
        CHECK(relative_difference(gradients.dq, q_leaf.grad()) <= 2 * tolerance(dtype));
        CHECK(relative_difference(gradients.dk, k_leaf.grad()) <= 2 * tolerance(dtype));
        CHECK(relative_difference(gradients.dv, v_leaf.grad()) <= 2 * tolerance(dtype));
      }
    }
  }
}

TEST_CASE("a changed segment leaves the others as they were") {
  lore::Segments segments;
  segments.append(9);
  segments.append(12);
  const at::Tensor q = random_tensor({21, 2, 8}, at::kFloat, 1);
  at::Tensor k = random_tensor({21, 2, 8}, at::kFloat, 2);
  const at::Tensor v = random_tensor({21, 2, 8}, at::kFloat, 3);
  const at::Tensor before = lore::attention(q, k, v, segments, 0, 0.5).out.narrow(0, 9, 12).clone();
  k.narrow(0, 0, 9).add_(1);
  CHECK(at::equal(lore::attention(q, k, v, segments, 0, 0.5).out.narrow(0, 9, 12), before));
}
