#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "lore/core/segments.h"
#include "lore/nn/llama_config.h"

namespace lore {

/// Cosines and sines of rotary position embedding for every token of a packed batch,
/// each [N, head_dim/2] fp32, scaled by the attention factor.
struct RopeRows {
  at::Tensor cos;
  at::Tensor sin;
};

/// inv_i = theta^(-2i/d) after scaling, fp32 [head_dim/2], as HF's modeling_rope_utils computes it.
/// `length` matters for dynamic scaling alone: the number of positions in the piece.
std::vector<float> rope_inverse_frequencies(const RopeConfig& rope, std::int64_t head_dim,
                                            std::int64_t length);

/// The rows for the tokens of `segments`. With dynamic scaling each piece is scaled by its own
/// length, as if it had been sent to the model alone.
RopeRows rope_rows(const RopeConfig& rope, std::int64_t head_dim, const Segments& segments,
                   at::Device device);

}  // namespace lore
