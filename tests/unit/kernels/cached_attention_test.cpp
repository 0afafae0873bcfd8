#include "lore/kernels/cached_attention.h"

#include <vector>

#include "lore/kernels/attention.h"
#include "unit/kernels/oracle.h"
// Catch last: Torch defines CHECK, too.
#include "support/catch.h"

namespace {

/// Sequences of the given lengths, whose tokens come in pieces of `step`, all sequences side by side.
at::Tensor by_pieces(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const lore::Segments& sequences, std::int64_t step, std::int64_t window, double scale) {
  std::vector<lore::CachedKeyValues> caches(
      static_cast<std::size_t>(sequences.count()),
      lore::make_cached_key_values(k.size(1), k.size(2), /*capacity=*/0, k.options()));
  at::Tensor out = at::zeros_like(q);
  for (std::int64_t first = 0;; first += step) {
    lore::Segments segments;
    std::vector<at::Tensor> rows;
    std::vector<lore::CachedKeyValues*> running;
    for (std::int64_t s = 0; s < sequences.count(); ++s) {
      const std::int64_t count = std::min(step, sequences.length(s) - first);
      if (count > 0) {
        segments.append(count, first);
        rows.push_back(at::arange(sequences.begin(s) + first, sequences.begin(s) + first + count));
        lore::CachedKeyValues& cache = caches[static_cast<std::size_t>(s)];
        cache = lore::grown(cache, first, first + count);
        running.push_back(&cache);
      }
    }
    if (running.empty()) {
      return out;
    }
    const at::Tensor index = at::cat(rows);
    out.index_copy_(0, index,
                    lore::attention_cached(q.index_select(0, index), k.index_select(0, index),
                                           v.index_select(0, index), segments, running, window, scale));
  }
}

}  // namespace

TEST_CASE("attention over caches, token by token or by pieces, equals attention over whole sequences") {
  lore::Segments sequences;
  for (const std::int64_t length : {150, 1, 64, 70}) {
    sequences.append(length);
  }
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const std::int64_t d : {16, 24}) {
      const at::Tensor q = random_tensor({sequences.tokens(), 6, d}, dtype, 1);
      const at::Tensor k = random_tensor({sequences.tokens(), 2, d}, dtype, 2);
      const at::Tensor v = random_tensor({sequences.tokens(), 2, d}, dtype, 3);
      for (const std::int64_t window : {0, 5, 80}) {
        const at::Tensor expected = lore::attention(q, k, v, sequences, window, 0.25).out;
        for (const std::int64_t step : {1, 37, 200}) {
          INFO("d " << d << " window " << window << " step " << step);
          CHECK(relative_difference(by_pieces(q, k, v, sequences, step, window, 0.25), expected) <=
                tolerance(dtype));
        }
      }
    }
  }
}

TEST_CASE("a sequence is attended to in the same way whatever lies beside it") {
  lore::Segments alone;
  alone.append(90);
  lore::Segments beside;
  beside.append(90);
  beside.append(33);
  const at::Tensor q = random_tensor({123, 4, 32}, at::kFloat, 1);
  const at::Tensor k = random_tensor({123, 2, 32}, at::kFloat, 2);
  const at::Tensor v = random_tensor({123, 2, 32}, at::kFloat, 3);
  const auto first = [](const at::Tensor& x) { return x.narrow(0, 0, 90).contiguous(); };
  CHECK(at::equal(by_pieces(first(q), first(k), first(v), alone, 1, 0, 0.3),
                  first(by_pieces(q, k, v, beside, 1, 0, 0.3))));
}
