#pragma once

#include <optional>
#include <span>

#include "lore/core/segments.h"
#include "lore/nn/kv_cache.h"
#include "lore/nn/low_rank.h"
#include "lore/nn/rope_table.h"

namespace lore {

/// What one pass over the model is about, handed down to every layer.
struct ForwardPass {
  const Segments& segments;
  const AdapterSet& adapters;
  std::optional<DropoutKey> dropout;
  RopeRows rope;
  std::span<KvCache* const> caches = {};  ///< decoding: the sequence that each segment continues; else empty
};

}  // namespace lore
