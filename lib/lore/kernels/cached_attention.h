#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "lore/core/segments.h"

namespace lore {

/// The keys and values of one sequence in one layer, laid out so that new queries read them once, in order.
struct CachedKeyValues {
  at::Tensor keys;    ///< [K, tiles, d, 64]: tiles of 64 keys, each key a column
  at::Tensor values;  ///< [K, 64 tiles, d rounded up to 16]
};

/// Room for `capacity` tokens, rounded up to whole tiles; what lies in it is undefined.
CachedKeyValues make_cached_key_values(std::int64_t key_heads, std::int64_t head_dim, std::int64_t capacity,
                                       at::TensorOptions options);
/// The same with room for `capacity` tokens, of which the first `tokens` are kept.
CachedKeyValues grown(const CachedKeyValues& cached, std::int64_t tokens, std::int64_t capacity);

/// Causal attention of new tokens over caches, for decoding. q [N, H, d], k and v [N, K, d] are packed;
/// segment s goes on at position segments.first_position[s] of the sequence in caches[s], which takes its
/// keys and values in and needs room for them. Everything else is as in `attention`. Returns [N, H, d].
/// Throws: Error(kInternal) on shapes, types or strides that do not match.
at::Tensor attention_cached(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const Segments& segments, std::span<CachedKeyValues* const> caches,
                            std::int64_t window, double scale);

}  // namespace lore
