#include "lore/kernels/cached_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <limits>
#include <memory>

#include "lore/kernels/checks.h"
#include "lore/kernels/score_tiles.h"
#include "lore/kernels/simd.h"
#include "lore/kernels/tile_product.h"

namespace lore {
namespace {

/// The query heads of one segment that share one key head. Its rows are (token, head) pairs, so that all of
/// them meet a tile of keys while it is in the nearest cache.
template <class T>
class CachedHead {
 public:
  CachedHead(const at::Tensor& q, const at::Tensor& k, const CachedKeyValues& cache, std::int64_t head,
             std::int64_t first_position, std::int64_t tokens, std::int64_t window, float scale)
      : key_heads_(k.size(1)),
        head_(head),
        group_(q.size(1) / key_heads_),
        d_(q.size(2)),
        width_(cache.values.size(2)),
        first_(first_position),
        window_(window),
        scale_(scale),
        keys_(cache.keys.data_ptr<T>() + head * cache.keys.stride(0)),
        values_(cache.values.data_ptr<T>() + head * cache.values.stride(0)),
        queries_(unset(std::min(kTile, tokens * group_) * width_)),
        sums_(unset(std::min(kTile, tokens * group_) * width_)),
        wide_(unset(kTile * width_)) {}

  /// Takes in `count` new keys and values; k and v are rows of K heads.
  void append(const T* k, const T* v, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const T* key = k + (i * key_heads_ + head_) * d_;
      const std::int64_t position = first_ + i;
      T* column = keys_ + position / kTile * (kTile * d_) + position % kTile;
      for (std::int64_t c = 0; c < d_; ++c) {
        column[c * kTile] = key[c];
      }
      const T* value = v + (i * key_heads_ + head_) * d_;
      T* row = values_ + position * width_;
      std::copy_n(value, d_, row);
      std::fill(row + d_, row + width_, T(0));
    }
  }

  /// q and out are rows of H heads.
  void attend(const T* q, T* out, std::int64_t count) {
    for (std::int64_t row = 0; row < count * group_; row += kTile) {
      query_tile(q, out, row, std::min(kTile, count * group_ - row));
    }
  }

 private:
  using Floats = std::unique_ptr<float[]>;
  static Floats unset(std::int64_t count) { return Floats(new float[static_cast<std::size_t>(count)]); }

  std::int64_t place_of(std::int64_t row) const {
    return (row / group_ * key_heads_ + head_) * group_ * d_ + row % group_ * d_;
  }
  std::int64_t position_of(std::int64_t row) const { return first_ + row / group_; }

  /// c += a·b, b being contiguous [k, b_stride]. With few rows b is widened while it is read.
  void add_product(float* c, std::int64_t c_stride, const TileView<float>& a, const T* b,
                   std::int64_t b_stride, std::int64_t m, std::int64_t n, std::int64_t k) {
    constexpr std::int64_t kFew = 6;
    if (m <= kFew) {
      add_tile_product(c, c_stride, a, b, b_stride, m, n, k);
    } else {
      add_tile_product(c, c_stride, a, simd::row(b, wide_.get(), k * b_stride), b_stride, m, n, k);
    }
  }

  void query_tile(const T* q, T* out, std::int64_t first_row, std::int64_t rows) {
    for (std::int64_t i = 0; i < rows; ++i) {
      copy_row(queries_.get() + i * width_, width_, q + place_of(first_row + i), d_, scale_);
    }
    std::fill_n(sums_.get(), rows * width_, 0.0F);
    softmax_.reset();
    const std::int64_t first = position_of(first_row);
    const std::int64_t tokens = position_of(first_row + rows - 1) - first + 1;
    for_each_key_tile(first, tokens, window_, [&](std::int64_t key, std::int64_t keys) {
      const std::int64_t columns = rounded_up(keys, 16);
      std::fill_n(scores_, rows * kTile, 0.0F);
      add_product(scores_, kTile, {queries_.get(), width_}, keys_ + key * d_, kTile, rows, columns, d_);
      for (std::int64_t i = 0; i < rows; ++i) {
        softmax_.update(i, scores_ + i * kTile, columns_of(position_of(first_row + i), window_, key),
                        sums_.get() + i * width_, width_);
      }
      add_product(sums_.get(), width_, {scores_, kTile}, values_ + key * width_, width_, rows, width_, keys);
    });
    for (std::int64_t i = 0; i < rows; ++i) {
      write_row(out + place_of(first_row + i), sums_.get() + i * width_, d_, 1.0F / softmax_.total(i));
    }
  }

  std::int64_t key_heads_, head_, group_, d_, width_, first_, window_;
  float scale_;
  T* keys_;
  T* values_;
  Floats queries_, sums_;
  Floats wide_;  ///< a tile of keys or values
  alignas(64) float scores_[kTile * kTile];
  OnlineSoftmax softmax_;
};

/// The new keys and values of one segment into its cache, by plain operators.
void append_plainly(const CachedKeyValues& cache, const at::Tensor& k, const at::Tensor& v,
                    std::int64_t first) {
  cache.values.narrow(1, first, v.size(0)).narrow(2, 0, v.size(2)).copy_(v.transpose(0, 1));
  for (std::int64_t i = 0; i < k.size(0);) {
    const std::int64_t column = (first + i) % kTile;
    const std::int64_t count = std::min(kTile - column, k.size(0) - i);
    cache.keys.select(1, (first + i) / kTile)
        .narrow(2, column, count)
        .copy_(k.narrow(0, i, count).permute({1, 2, 0}));
    i += count;
  }
}

/// The attention of one segment by plain operators: q [T, H, d] at the positions from `first` on.
at::Tensor attend_plainly(const CachedKeyValues& cache, const at::Tensor& q, std::int64_t first,
                          std::int64_t window, double scale) {
  const std::int64_t keys = first + q.size(0);
  const std::int64_t group = q.size(1) / cache.keys.size(0);
  const auto of_heads = [&](const at::Tensor& x) {
    return x.narrow(1, 0, keys).narrow(2, 0, q.size(2)).to(at::kFloat).repeat_interleave(group, 0);
  };
  const at::Tensor k = of_heads(cache.keys.transpose(2, 3).flatten(1, 2));
  const at::Tensor v = of_heads(cache.values);
  const at::Tensor i = at::arange(first, keys, q.options().dtype(at::kLong)).unsqueeze(1);
  const at::Tensor j = at::arange(keys, q.options().dtype(at::kLong)).unsqueeze(0);
  at::Tensor hidden = j > i;
  if (window > 0) {
    hidden = hidden.logical_or(i - j >= window);
  }
  const at::Tensor scores = at::bmm(q.to(at::kFloat).transpose(0, 1), k.transpose(1, 2)) * scale;
  return at::bmm(scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()).softmax(-1), v)
      .transpose(0, 1);
}

void check(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Segments& segments,
           std::span<CachedKeyValues* const> caches) {
  check_argument(q.dim() == 3 && k.dim() == 3 && k.sizes() == v.sizes() && q.size(2) == k.size(2) &&
                     k.size(1) > 0 && q.size(1) % k.size(1) == 0 && q.size(0) == segments.tokens() &&
                     k.size(0) == q.size(0) && is_supported(q) && is_supported(k) && is_supported(v) &&
                     q.scalar_type() == k.scalar_type() && q.scalar_type() == v.scalar_type(),
                 "attention_cached", "contiguous q [N, H, d], k and v [N, K, d] of one type");
  check_argument(static_cast<std::int64_t>(caches.size()) == segments.count(), "attention_cached",
                 "a cache for each segment");
  for (std::size_t s = 0; s < caches.size(); ++s) {
    const CachedKeyValues& cache = *caches[s];
    const auto segment = static_cast<std::int64_t>(s);
    check_argument(is_supported(cache.keys) && is_supported(cache.values) &&
                       cache.keys.scalar_type() == q.scalar_type() && cache.keys.size(0) == k.size(1) &&
                       cache.keys.size(2) == k.size(2) &&
                       segments.first_position[s] + segments.length(segment) <= cache.values.size(1),
                   "attention_cached", "caches of q's type with room for the new tokens");
  }
}

}  // namespace

CachedKeyValues make_cached_key_values(std::int64_t key_heads, std::int64_t head_dim, std::int64_t capacity,
                                       at::TensorOptions options) {
  const std::int64_t tiles = rounded_up(capacity, kTile) / kTile;
  return {at::empty({key_heads, tiles, head_dim, kTile}, options),
          at::empty({key_heads, tiles * kTile, rounded_up(head_dim, 16)}, options)};
}

CachedKeyValues grown(const CachedKeyValues& cached, std::int64_t tokens, std::int64_t capacity) {
  CachedKeyValues result =
      make_cached_key_values(cached.keys.size(0), cached.keys.size(2), capacity, cached.keys.options());
  const std::int64_t tiles = rounded_up(tokens, kTile) / kTile;
  result.keys.narrow(1, 0, tiles).copy_(cached.keys.narrow(1, 0, tiles));
  result.values.narrow(1, 0, tokens).copy_(cached.values.narrow(1, 0, tokens));
  return result;
}

at::Tensor attention_cached(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const Segments& segments, std::span<CachedKeyValues* const> caches,
                            std::int64_t window, double scale) {
  check(q, k, v, segments, caches);
  at::Tensor out = at::empty_like(q);
  if (!q.is_cpu()) {
    for (std::int64_t s = 0; s < segments.count(); ++s) {
      const auto piece = [&](const at::Tensor& x) {
        return x.narrow(0, segments.begin(s), segments.length(s));
      };
      const std::int64_t first = segments.first_position[static_cast<std::size_t>(s)];
      const CachedKeyValues& cache = *caches[static_cast<std::size_t>(s)];
      append_plainly(cache, piece(k), piece(v), first);
      piece(out).copy_(attend_plainly(cache, piece(q), first, window, scale));
    }
    return out;
  }
  dispatch_dtype(q, [&](auto* tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    for_each_head(segments, k.size(1), [&](std::int64_t s, std::int64_t head) {
      const std::int64_t begin = segments.begin(s);
      const std::int64_t count = segments.length(s);
      CachedHead<T> work(q, k, *caches[static_cast<std::size_t>(s)], head,
                         segments.first_position[static_cast<std::size_t>(s)], count, window,
                         static_cast<float>(scale));
      work.append(k.data_ptr<T>() + begin * k.stride(0), v.data_ptr<T>() + begin * v.stride(0), count);
      work.attend(q.data_ptr<T>() + begin * q.stride(0), out.data_ptr<T>() + begin * out.stride(0), count);
    });
  });
  return out;
}

}  // namespace lore
