#include "lore/kernels/attention_tiles.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <vector>

#include "lore/kernels/checks.h"
#include "lore/kernels/parallel.h"
#include "lore/kernels/score_tiles.h"
#include "lore/kernels/simd.h"
#include "lore/kernels/tile_product.h"

namespace lore {
namespace {

/// One head of a packed tensor [N, heads, d]: row n of a segment begins at data + n * stride.
template <class T>
struct Head {
  T* data;
  std::int64_t stride;

  T* row(std::int64_t n) const { return data + n * stride; }
};

template <class T>
Head<T> head_of(const at::Tensor& x, std::int64_t first_row, std::int64_t head) {
  const std::int64_t stride = x.size(1) * x.size(2);
  return {x.data_ptr<std::remove_const_t<T>>() + first_row * stride + head * x.size(2), stride};
}

/// `count` rows from `first` on, as copy_row.
template <class T>
void copy_rows(float* target, std::int64_t width, const Head<const T>& source, std::int64_t first,
               std::int64_t count, std::int64_t d, float factor) {
  for (std::int64_t i = 0; i < count; ++i) {
    copy_row(target + i * width, width, source.row(first + i), d, factor);
  }
}

/// The same rows as columns, tile after tile: [tile][d][kTile], zero where there is no row.
template <class T>
void copy_columns(std::vector<float>& target, const Head<const T>& source, std::int64_t count,
                  std::int64_t d) {
  target.assign(static_cast<std::size_t>(rounded_up(count, kTile) * d), 0.0F);
  for (std::int64_t i = 0; i < count; ++i) {
    float* tile = target.data() + i / kTile * (kTile * d) + i % kTile;
    const T* from = source.row(i);
    for (std::int64_t c = 0; c < d; ++c) {
      tile[c * kTile] = static_cast<float>(from[c]);
    }
  }
}

/// ds = p · (dp - delta)
LORE_SIMD void score_gradients(float* dp, const float* p, float delta) {
  for (std::int64_t j = 0; j < kTile; ++j) {
    dp[j] = p[j] * (dp[j] - delta);
  }
}

float dot(const float* a, const float* b, std::int64_t count) {
  float total = 0;
  for (std::int64_t c = 0; c < count; ++c) {
    total += a[c] * b[c];
  }
  return total;
}

template <class T>
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
    copy_columns(key_columns_, head_of<const T>(k, begin, key_head), n, d_);
    values_.resize(static_cast<std::size_t>(n * width_));
    copy_rows(values_.data(), width_, head_of<const T>(v, begin, key_head), 0, n, d_, 1.0F);
    queries_.resize(static_cast<std::size_t>(kTile * width_));
    sums_.resize(static_cast<std::size_t>(kTile * width_));
  }

  void run() {
    for (std::int64_t first = 0; first < n_; first += kTile) {
      query_tile(first, std::min(kTile, n_ - first));
    }
  }

 private:
  void query_tile(std::int64_t first, std::int64_t count) {
    copy_rows(queries_.data(), width_, q_, first, count, d_, scale_);
    std::fill(sums_.begin(), sums_.end(), 0.0F);
    softmax_.reset();
    for_each_key_tile(first, count, window_, [&](std::int64_t key, std::int64_t keys) {
      const std::int64_t columns = rounded_up(keys, 16);
      std::fill(scores_, scores_ + count * kTile, 0.0F);
      add_tile_product(scores_, kTile, {queries_.data(), width_}, key_columns_.data() + key * d_, kTile,
                       count, columns, d_);
      for (std::int64_t i = 0; i < count; ++i) {
        softmax_.update(i, scores_ + i * kTile, columns_of(first + i, window_, key),
                        sums_.data() + i * width_, width_);
      }
      add_tile_product(sums_.data(), width_, {scores_, kTile}, values_.data() + key * width_, width_, count,
                       width_, keys);
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
  std::vector<float> key_columns_, values_, queries_, sums_;
  alignas(64) float scores_[kTile * kTile];
  OnlineSoftmax softmax_;
};

template <class T>
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
    const auto tile = static_cast<std::size_t>(kTile * width_);
    copy_columns(key_columns_, keys, n, d_);
    copy_columns(value_columns_, head_of<const T>(v, begin, key_head), n, d_);
    key_rows_.resize(rows);
    copy_rows(key_rows_.data(), width_, keys, 0, n, d_, 1.0F);
    dk_.assign(rows, 0.0F);
    dv_.assign(rows, 0.0F);
    queries_.resize(tile);
    douts_.resize(tile);
    outs_.resize(tile);
    dqs_.resize(tile);
  }

  void run() {
    for (std::int64_t first = 0; first < n_; first += kTile) {
      query_tile(first, std::min(kTile, n_ - first));
    }
  }

  const float* dk_row(std::int64_t i) const { return dk_.data() + i * width_; }
  const float* dv_row(std::int64_t i) const { return dv_.data() + i * width_; }

 private:
  void query_tile(std::int64_t first, std::int64_t count) {
    copy_rows(queries_.data(), width_, q_, first, count, d_, scale_);
    copy_rows(douts_.data(), width_, dout_, first, count, d_, 1.0F);
    copy_rows(outs_.data(), width_, out_, first, count, d_, 1.0F);
    for (std::int64_t i = 0; i < count; ++i) {
      deltas_[i] = dot(douts_.data() + i * width_, outs_.data() + i * width_, d_);
    }
    std::fill(dqs_.begin(), dqs_.end(), 0.0F);
    for_each_key_tile(first, count, window_, [&](std::int64_t key, std::int64_t keys) {
      const std::int64_t columns = rounded_up(keys, 16);
      std::fill(p_, p_ + count * kTile, 0.0F);
      std::fill(ds_, ds_ + count * kTile, 0.0F);
      add_tile_product(p_, kTile, {queries_.data(), width_}, key_columns_.data() + key * d_, kTile, count,
                       columns, d_);
      add_tile_product(ds_, kTile, {douts_.data(), width_}, value_columns_.data() + key * d_, kTile, count,
                       columns, d_);
      for (std::int64_t i = 0; i < count; ++i) {
        const Visible seen = columns_of(first + i, window_, key);
        exponentials(p_ + i * kTile, seen.begin, std::max(seen.begin, seen.end), lse_[(first + i) * heads_]);
        score_gradients(ds_ + i * kTile, p_ + i * kTile, deltas_[i]);
      }
      add_tile_product(dv_.data() + key * width_, width_, TileView{p_, kTile}.transposed(), douts_.data(),
                       width_, keys, width_, count);
      add_tile_product(dk_.data() + key * width_, width_, TileView{ds_, kTile}.transposed(), queries_.data(),
                       width_, keys, width_, count);
      add_tile_product(dqs_.data(), width_, {ds_, kTile}, key_rows_.data() + key * width_, width_, count,
                       width_, keys);
    });
    for (std::int64_t i = 0; i < count; ++i) {
      write_row(dq_.row(first + i), dqs_.data() + i * width_, d_, scale_);
    }
  }

  std::int64_t d_, width_, n_, window_;
  float scale_;
  std::int64_t heads_;
  Head<const T> q_, out_, dout_;
  Head<T> dq_;
  const float* lse_;
  std::vector<float> key_columns_, value_columns_, key_rows_, dk_, dv_, queries_, douts_, outs_, dqs_;
  alignas(64) float p_[kTile * kTile], ds_[kTile * kTile];
  float deltas_[kTile];
};

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
  dispatch_dtype(q, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    for_each_head(segments, q.size(1), [&](std::int64_t s, std::int64_t head) {
      HeadForward<T>(result, q, k, v, segments.begin(s), segments.length(s), head, window,
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
  dispatch_dtype(q, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    for_each_head(segments, heads, [&](std::int64_t s, std::int64_t head) {
      const std::int64_t begin = segments.begin(s);
      HeadBackward<T> backward(dout, q, k, v, result, gradients.dq, begin, segments.length(s), head, window,
                               static_cast<float>(scale));
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
