#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "lore/adapters/stored_adapter.h"
#include "lore/nn/decoder_layer.h"
#include "lore/nn/weight_source.h"

namespace lore {

/// Token ids that are run as one text.
using TokenSequences = std::vector<std::vector<std::int32_t>>;

/// A model that is run a layer at a time over some texts, in float32: only the texts' hidden states and one
/// layer's weights are in memory.
class LayeredModel {
 public:
  /// What the linears of a layer get, a few thousand tokens at a time.
  using InputsObserver = std::function<void(const DecoderLayer::Inputs&)>;

  /// `source` must outlive the model; `embedding` is the embeddings' own adapter or null.
  LayeredModel(const WeightSource& source, const TokenSequences& sequences,
               const LowRank* embedding = nullptr);

  const LlamaConfig& config() const { return source_.config(); }

  /// The weights of one layer, with nothing added.
  std::unique_ptr<DecoderLayer> load_layer(std::size_t layer) const;
  /// Runs one layer, with the modules that `adapter` has there when one is given.
  void run_layer(std::size_t layer, const StoredAdapter* adapter = nullptr);
  /// Shows what the linears of `layer` would get, without going on.
  void observe_inputs(const DecoderLayer& layer, const InputsObserver& observer) const;
  /// Goes on through `layer`.
  void advance(const DecoderLayer& layer);
  /// The final norm; after the last layer.
  void finish();
  /// Logits [N, count] of the vocabulary entries from `first`; `head` is the head's own adapter or null.
  at::Tensor logits(std::int64_t first, std::int64_t count, const LowRank* head = nullptr) const;

 private:
  /// Texts that are run together.
  struct Batch {
    Segments segments;
    RopeRows rope;
    at::Tensor hidden;  ///< [N, D], a part of all hidden states
  };

  void add_embedding_update(const TokenSequences& sequences, const LowRank& low_rank);

  const WeightSource& source_;
  std::size_t adapters_;
  std::vector<Batch> batches_;
  at::Tensor hidden_;  ///< [N, D]
};

}  // namespace lore
