#include "lore/tasks/layered_model.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>

#include <algorithm>

#include "lore/core/error.h"
#include "lore/kernels/matmul.h"
#include "lore/kernels/rms_norm.h"
#include "lore/nn/layer_loading.h"

namespace lore {
namespace {

constexpr std::int64_t kBatchTokens = 2048;

}  // namespace

LayeredModel::LayeredModel(const WeightSource& source, const TokenSequences& sequences,
                           const LowRank* embedding)
    : source_(source), adapters_(adaptable_modules(source.config()).size()) {
  const LlamaConfig& config = source.config();
  std::int64_t tokens = 0;
  std::int64_t open = kBatchTokens;
  for (const auto& sequence : sequences) {
    const auto length = static_cast<std::int64_t>(sequence.size());
    tokens += length;
    if (open + length > kBatchTokens) {
      batches_.emplace_back();
      open = 0;
    }
    open += length;
    batches_.back().segments.append(length);
  }
  hidden_ = at::empty({tokens, config.hidden_size}, at::kFloat);
  float* row = hidden_.data_ptr<float>();
  for (const auto& sequence : sequences) {
    for (const std::int32_t id : sequence) {
      source.read_rows("model.embed_tokens.weight", {config.vocab_size, config.hidden_size}, id, 1, row);
      row += config.hidden_size;
    }
  }
  if (embedding != nullptr) {
    add_embedding_update(sequences, *embedding);
  }
  std::int64_t first = 0;
  for (Batch& batch : batches_) {
    batch.hidden = hidden_.narrow(0, first, batch.segments.tokens());
    batch.rope = rope_rows(config.rope, config.head_dim, batch.segments, at::kCPU);
    first += batch.segments.tokens();
  }
}

std::unique_ptr<DecoderLayer> LayeredModel::load_layer(std::size_t layer) const {
  ParameterLoader loader(source_, at::kFloat, at::kCPU, WeightForm());
  return load_decoder_layer(loader, config(), layer);
}

void LayeredModel::run_layer(std::size_t layer, const StoredAdapter* adapter) {
  constexpr std::size_t kLinearsPerLayer = 7;
  const auto loaded = load_layer(layer);
  AdapterSet adapters(adapters_);
  if (adapter != nullptr) {
    for (const StoredLowRank& module : adapter->modules()) {
      if (module.linear / kLinearsPerLayer == layer) {
        LowRank low_rank = adapter->read(module);
        low_rank.refresh(at::kFloat, loaded->linears()[module.linear % kLinearsPerLayer]->weight);
        adapters.set(module.linear, std::move(low_rank));
      }
    }
  }
  for (Batch& batch : batches_) {
    batch.hidden.copy_(loaded->forward(batch.hidden, {batch.segments, adapters, {}, batch.rope}, nullptr));
  }
}

void LayeredModel::observe_inputs(const DecoderLayer& layer, const InputsObserver& observer) const {
  const AdapterSet none(adapters_);
  for (const Batch& batch : batches_) {
    DecoderLayer::Saved saved;
    layer.forward(batch.hidden, {batch.segments, none, {}, batch.rope}, &saved);
    observer(layer.inputs(saved, none));
  }
}

void LayeredModel::advance(const DecoderLayer& layer) {
  const AdapterSet none(adapters_);
  for (Batch& batch : batches_) {
    batch.hidden.copy_(layer.forward(batch.hidden, {batch.segments, none, {}, batch.rope}, nullptr));
  }
}

void LayeredModel::finish() {
  const at::Tensor norm = source_.tensor("model.norm.weight", {config().hidden_size}, at::kFloat);
  for (Batch& batch : batches_) {
    batch.hidden.copy_(rms_norm(batch.hidden, norm, config().rms_norm_eps).y);
  }
}

at::Tensor LayeredModel::logits(std::int64_t first, std::int64_t count, const LowRank* head) const {
  at::Tensor rows = at::empty({count, config().hidden_size}, at::kFloat);
  const char* name = config().tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
  source_.read_rows(name, {config().vocab_size, config().hidden_size}, first, count, rows.data_ptr<float>());
  at::Tensor result = matmul_nt(hidden_, rows);
  if (head != nullptr) {
    at::Tensor u = matmul_nt(hidden_, head->a);
    u.mul_(head->scale);
    const at::Tensor b = head->b.narrow(0, first, count);
    result.add_(matmul_nt(u, b));
    if (head->is_dora()) {
      result.mul_(head->magnitude.narrow(0, first, count))
          .div_(updated_row_norms(rows, b, head->a, head->scale));
    }
  }
  return result;
}

void LayeredModel::add_embedding_update(const TokenSequences& sequences, const LowRank& low_rank) {
  std::int64_t row = 0;
  for (const auto& sequence : sequences) {
    for (const std::int32_t id : sequence) {
      at::Tensor u = low_rank.b.narrow(0, id, 1).mul(low_rank.scale);
      hidden_.narrow(0, row++, 1).add_(matmul_nn(u, low_rank.a));
    }
  }
}

}  // namespace lore
