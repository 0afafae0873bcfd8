#include "lore/kernels/attention_tiles.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <vector>

#include "lore/kernels/checks.h"
#include "lore/kernels/matmul.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/score_tiles.h"
#include "lore/kernels/simd.h"
#include "lore/kernels/tile_operands.h"

namespace lore {
namespace {

template <class T>
Head<T> head_of(const at::Tensor& x, std::int64_t first_row, std::int64_t head) {
  const std::int64_t stride = x.size(1) * x.size(2);
  return {x.data_ptr<std::remove_const_t<T>>() + first_row * stride + head * x.size(2), stride};
}

LORE_SIMD void scale_scores(float* tile, std::int64_t count, float factor) {
  for (std::int64_t i = 0; i < count; ++i) {
    tile[i] *= factor;
  }
}

/// ds = p · (dp - delta)
LORE_SIMD void score_gradients(float* dp, const float* p, float delta) {
  for (std::int64_t j = 0; j < kTile; ++j) {
    dp[j] = p[j] * (dp[j] - delta);
  }
}

template <class T>
float dot(const T* a, const T* b, std::int64_t count) {
  float total = 0;
  for (std::int64_t c = 0; c < count; ++c) {
    total += static_cast<float>(a[c]) * static_cast<float>(b[c]);
  }
  return total;
}

/// Products of T with the operands of `Tiles`; sums and softmax are float32.
template <class T, class Tiles>
class HeadForward {
 public:
  HeadForward(AttentionResult& result, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
              std::int64_t begin, std::int64_t n, std::int64_t head, std::int64_t window, float scale)
      : d_(q.size(2)),
        width_(rounded_up(d_, 16)),
        n_(n),
        window_(window),
        scale_(scale),
        heads_(q.size(1)),
        q_{head_of<const T>(q, begin, head)},
        out_(head_of<T>(result.out, begin, head)),
        lse_(result.lse.data_ptr<float>() + begin * heads_ + head) {
    const std::int64_t key_head = head / (q.size(1) / k.size(1));
    Tiles::columns(key_columns_, head_of<const T>(k, begin, key_head), n, d_);
    values_.resize(static_cast<std::size_t>(steps(n) * width_));
    Tiles::stacked_rows(values_.data(), width_, head_of<const T>(v, begin, key_head), 0, n, d_);
    queries_.resize(static_cast<std::size_t>(kTile * width_ / kDepth));
    sums_.resize(static_cast<std::size_t>(kTile * width_));
  }

  void run() {
    for (std::int64_t first = 0; first < n_; first += kTile) {
      query_tile(first, std::min(kTile, n_ - first));
    }
  }

 private:
  using Element = typename Tiles::Element;
  static constexpr std::int64_t kDepth = Tiles::kDepth;
  static constexpr std::int64_t steps(std::int64_t count) { return (count + kDepth - 1) / kDepth; }

  void query_tile(std::int64_t first, std::int64_t count) {
    Tiles::rows(queries_.data(), width_, q_, first, count, d_);
    std::fill(sums_.begin(), sums_.end(), 0.0F);
    softmax_.reset();
    for_each_key_tile(first, count, window_, [&](std::int64_t key, std::int64_t keys) {
      std::fill(scores_, scores_ + count * kTile, 0.0F);
      add_tile_product(scores_, kTile, {queries_.data(), width_ / kDepth},
                       key_columns_.data() + key * steps(d_), kTile, count, rounded_up(keys, 16), steps(d_));
      scale_scores(scores_, count * kTile, scale_);
      for (std::int64_t i = 0; i < count; ++i) {
        softmax_.update(i, scores_ + i * kTile, columns_of(first + i, window_, key),
                        sums_.data() + i * width_, width_);
      }
      add_tile_product(sums_.data(), width_, {Tiles::scores(scores_, count, operand_), kTile / kDepth},
                       values_.data() + key / kDepth * width_, width_, count, width_, steps(keys));
    });
    for (std::int64_t i = 0; i < count; ++i) {
      write_row(out_.row(first + i), sums_.data() + i * width_, d_, 1.0F / softmax_.total(i));
      lse_[(first + i) * heads_] = softmax_.log_sum(i);
    }
  }

  std::int64_t d_, width_, n_, window_;
  float scale_;
  std::int64_t heads_;
  Head<const T> q_;
  Head<T> out_;
  float* lse_;
  std::vector<Element> key_columns_, values_, queries_;
  std::vector<float> sums_;
  alignas(64) float scores_[kTile * kTile];
  alignas(64) Element operand_[kTile * kTile / kDepth];
  OnlineSoftmax softmax_;
};

template <class T, class Tiles>
class HeadBackward {
 public:
  HeadBackward(const at::Tensor& dout, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
               const AttentionResult& result, at::Tensor& dq, std::int64_t begin, std::int64_t n,
               std::int64_t head, std::int64_t window, float scale)
      : d_(q.size(2)),
        width_(rounded_up(d_, 16)),
        n_(n),
        window_(window),
        scale_(scale),
        heads_(q.size(1)),
        q_(head_of<const T>(q, begin, head)),
        out_(head_of<const T>(result.out, begin, head)),
        dout_(head_of<const T>(dout, begin, head)),
        dq_(head_of<T>(dq, begin, head)),
        lse_(result.lse.data_ptr<float>() + begin * heads_ + head) {
    const std::int64_t key_head = head / (q.size(1) / k.size(1));
    const Head<const T> keys = head_of<const T>(k, begin, key_head);
    const auto rows = static_cast<std::size_t>(n * width_);
    const auto operand = static_cast<std::size_t>(kTile * width_ / kDepth);
    Tiles::columns(key_columns_, keys, n, d_);
    Tiles::columns(value_columns_, head_of<const T>(v, begin, key_head), n, d_);
    stacked_keys_.resize(static_cast<std::size_t>(steps(n) * width_));
    Tiles::stacked_rows(stacked_keys_.data(), width_, keys, 0, n, d_);
    dk_.assign(rows, 0.0F);
    dv_.assign(rows, 0.0F);
    queries_.resize(operand);
    stacked_queries_.resize(operand);
    douts_.resize(operand);
    stacked_douts_.resize(operand);
    dqs_.resize(static_cast<std::size_t>(kTile * width_));
  }

  void run() {
    for (std::int64_t first = 0; first < n_; first += kTile) {
      query_tile(first, std::min(kTile, n_ - first));
    }
    scale_scores(dk_.data(), static_cast<std::int64_t>(dk_.size()), scale_);
  }

  const float* dk_row(std::int64_t i) const { return dk_.data() + i * width_; }
  const float* dv_row(std::int64_t i) const { return dv_.data() + i * width_; }

 private:
  using Element = typename Tiles::Element;
  static constexpr std::int64_t kDepth = Tiles::kDepth;
  static constexpr std::int64_t steps(std::int64_t count) { return (count + kDepth - 1) / kDepth; }

  void query_tile(std::int64_t first, std::int64_t count) {
    Tiles::rows(queries_.data(), width_, q_, first, count, d_);
    Tiles::stacked_rows(stacked_queries_.data(), width_, q_, first, count, d_);
    Tiles::rows(douts_.data(), width_, dout_, first, count, d_);
    Tiles::stacked_rows(stacked_douts_.data(), width_, dout_, first, count, d_);
    for (std::int64_t i = 0; i < count; ++i) {
      deltas_[i] = dot(dout_.row(first + i), out_.row(first + i), d_);
    }
    std::fill(dqs_.begin(), dqs_.end(), 0.0F);
    for_each_key_tile(first, count, window_, [&](std::int64_t key, std::int64_t keys) {
      const std::int64_t columns = rounded_up(keys, 16);
      std::fill(p_, p_ + count * kTile, 0.0F);
      std::fill(ds_, ds_ + count * kTile, 0.0F);
      add_tile_product(p_, kTile, {queries_.data(), width_ / kDepth}, key_columns_.data() + key * steps(d_),
                       kTile, count, columns, steps(d_));
      add_tile_product(ds_, kTile, {douts_.data(), width_ / kDepth}, value_columns_.data() + key * steps(d_),
                       kTile, count, columns, steps(d_));
      scale_scores(p_, count * kTile, scale_);
      for (std::int64_t i = 0; i < count; ++i) {
        const Visible seen = columns_of(first + i, window_, key);
        exponentials(p_ + i * kTile, seen.begin, std::max(seen.begin, seen.end), lse_[(first + i) * heads_]);
        score_gradients(ds_ + i * kTile, p_ + i * kTile, deltas_[i]);
      }
      add_tile_product(dv_.data() + key * width_, width_, transposed(p_, count), stacked_douts_.data(),
                       width_, keys, width_, steps(count));
      add_tile_product(dk_.data() + key * width_, width_, transposed(ds_, count), stacked_queries_.data(),
                       width_, keys, width_, steps(count));
      add_tile_product(dqs_.data(), width_, {Tiles::scores(ds_, count, operand_), kTile / kDepth},
                       stacked_keys_.data() + key / kDepth * width_, width_, count, width_, steps(keys));
    });
    for (std::int64_t i = 0; i < count; ++i) {
      write_row(dq_.row(first + i), dqs_.data() + i * width_, d_, scale_);
    }
  }

  /// A tile [count][kTile] as [kTile, count], until the next tile is laid out.
  TileView<Element> transposed(const float* tile, std::int64_t count) {
    return TileView<Element>{Tiles::stacked_scores(tile, count, operand_), kTile}.transposed();
  }

  std::int64_t d_, width_, n_, window_;
  float scale_;
  std::int64_t heads_;
  Head<const T> q_, out_, dout_;
  Head<T> dq_;
  const float* lse_;
  std::vector<Element> key_columns_, value_columns_, stacked_keys_, queries_, stacked_queries_, douts_,
      stacked_douts_;
  std::vector<float> dk_, dv_, dqs_;
  alignas(64) float p_[kTile * kTile], ds_[kTile * kTile];
  alignas(64) Element operand_[kTile * kTile / kDepth];
  float deltas_[kTile];
};

/// Calls run(tag of T, Tiles) for the type of `x` and the products that suit it.
template <class Run>
void dispatch_tiles(const at::Tensor& x, const Run& run) {
  if (x.scalar_type() == at::kBFloat16 && has_native_bf16()) {
    run(static_cast<c10::BFloat16*>(nullptr), Bfloat16Tiles());
  } else {
    dispatch_dtype(x, [&](auto* tag) { run(tag, FloatTiles()); });
  }
}

/// Sums the key gradients of the query heads that share a key head, in the order of the heads.
template <class T>
void sum_groups(at::Tensor& target, const at::Tensor& parts) {
  const std::int64_t key_heads = target.size(1);
  const std::int64_t group = parts.size(1) / key_heads;
  const std::int64_t d = target.size(2);
  const float* from = parts.data_ptr<float>();
  T* to = target.data_ptr<T>();
  parallel_for(0, target.size(0) * key_heads, 64, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> sum(static_cast<std::size_t>(d));
    for (std::int64_t row = begin; row < end; ++row) {
      std::copy_n(from + row * group * d, d, sum.data());
      for (std::int64_t g = 1; g < group; ++g) {
        for (std::int64_t c = 0; c < d; ++c) {
          sum[static_cast<std::size_t>(c)] += from[(row * group + g) * d + c];
        }
      }
      write_row(to + row * d, sum.data(), d, 1.0F);
    }
  });
}

}  // namespace

void attention_by_tiles(AttentionResult& result, const at::Tensor& q, const at::Tensor& k,
                        const at::Tensor& v, const Segments& segments, std::int64_t window, double scale) {
  dispatch_tiles(q, [&](auto* tag, auto tiles) {
    using T = std::remove_pointer_t<decltype(tag)>;
    for_each_head(segments, q.size(1), [&](std::int64_t s, std::int64_t head) {
      HeadForward<T, decltype(tiles)>(result, q, k, v, segments.begin(s), segments.length(s), head, window,
                                      static_cast<float>(scale))
          .run();
    });
  });
}

void attention_backward_by_tiles(AttentionGradients& gradients, const at::Tensor& dout, const at::Tensor& q,
                                 const at::Tensor& k, const at::Tensor& v, const AttentionResult& result,
                                 const Segments& segments, std::int64_t window, double scale) {
  const std::int64_t heads = q.size(1);
  const std::int64_t d = q.size(2);
  at::Tensor dk = at::empty({q.size(0), heads, d}, q.options().dtype(at::kFloat));
  at::Tensor dv = at::empty_like(dk);
  dispatch_tiles(q, [&](auto* tag, auto tiles) {
    using T = std::remove_pointer_t<decltype(tag)>;
    for_each_head(segments, heads, [&](std::int64_t s, std::int64_t head) {
      const std::int64_t begin = segments.begin(s);
      HeadBackward<T, decltype(tiles)> backward(dout, q, k, v, result, gradients.dq, begin,
                                                segments.length(s), head, window, static_cast<float>(scale));
      backward.run();
      for (std::int64_t i = 0; i < segments.length(s); ++i) {
        std::copy_n(backward.dk_row(i), d, dk.data_ptr<float>() + ((begin + i) * heads + head) * d);
        std::copy_n(backward.dv_row(i), d, dv.data_ptr<float>() + ((begin + i) * heads + head) * d);
      }
    });
    sum_groups<T>(gradients.dk, dk);
    sum_groups<T>(gradients.dv, dv);
  });
}

}  // namespace lore
