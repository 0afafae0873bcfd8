#include "lore/tasks/merge_proof.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mul.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "lore/core/error.h"
#include "lore/kernels/matmul.h"
#include "lore/kernels/rms_norm.h"
#include "lore/nn/layer_loading.h"
#include "lore/nn/tensor_dtype.h"

namespace lore {
namespace {

constexpr std::int64_t kHeadRows = 4096;

/// Weights rounded to a narrower dtype and widened again.
class RoundedSource final : public WeightSource {
 public:
  RoundedSource(const WeightSource& source, at::ScalarType dtype) : source_(source), dtype_(dtype) {}

  const LlamaConfig& config() const override { return source_.config(); }
  at::Tensor tensor(const std::string& name, at::IntArrayRef shape, at::ScalarType dtype) const override {
    return source_.tensor(name, shape, at::kFloat).to(dtype_).to(dtype);
  }
  void read_rows(const std::string& name, at::IntArrayRef shape, std::int64_t first, std::int64_t count,
                 float* target) const override {
    source_.read_rows(name, shape, first, count, target);
    at::Tensor rows = at::from_blob(target, {count * shape.back()}, at::TensorOptions(at::kFloat));
    rows.copy_(rows.to(dtype_));
  }
  std::vector<std::string> unused(const std::vector<std::string>& used) const override {
    return source_.unused(used);
  }
  std::vector<std::filesystem::path> files() const override { return source_.files(); }

 private:
  const WeightSource& source_;
  at::ScalarType dtype_;
};

/// A model that is run a layer at a time: only its hidden states stay in memory.
class LayeredModel {
 public:
  /// `embedding` is the embeddings' own adapter or null.
  LayeredModel(const WeightSource& source, const MergeProbe& probe, const LowRank* embedding = nullptr)
      : source_(source), config_(source.config()), adapters_(adaptable_modules(config_).size()) {
    hidden_ = at::empty({probe.tokens(), config_.hidden_size}, at::kFloat);
    float* row = hidden_.data_ptr<float>();
    for (const auto& sequence : probe.sequences) {
      segments_.append(static_cast<std::int64_t>(sequence.size()));
      for (const std::int32_t id : sequence) {
        source.read_rows("model.embed_tokens.weight", {config_.vocab_size, config_.hidden_size}, id, 1, row);
        row += config_.hidden_size;
      }
    }
    if (embedding != nullptr) {
      add_embedding_update(probe, *embedding);
    }
    rope_ = rope_rows(config_.rope, config_.head_dim, segments_, at::kCPU);
  }

  /// Runs one layer, with the modules that `adapter` has there when one is given.
  void run_layer(std::size_t layer, const StoredAdapter* adapter) {
    constexpr std::size_t kLinearsPerLayer = 7;
    ParameterLoader loader(source_, at::kFloat, at::kCPU, WeightForm());
    const auto loaded = load_decoder_layer(loader, config_, layer);
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
    hidden_ = loaded->forward(hidden_, {segments_, adapters, {}, rope_}, nullptr);
  }

  void finish() {
    const at::Tensor norm = source_.tensor("model.norm.weight", {config_.hidden_size}, at::kFloat);
    hidden_ = rms_norm(hidden_, norm, config_.rms_norm_eps).y;
  }

  /// Logits [N, count] of the vocabulary entries from `first`; `head` is the head's own adapter or null.
  at::Tensor logits(std::int64_t first, std::int64_t count, const LowRank* head) const {
    at::Tensor rows = at::empty({count, config_.hidden_size}, at::kFloat);
    const char* name = config_.tie_word_embeddings ? "model.embed_tokens.weight" : "lm_head.weight";
    source_.read_rows(name, {config_.vocab_size, config_.hidden_size}, first, count, rows.data_ptr<float>());
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

  const LlamaConfig& config() const { return config_; }

 private:
  void add_embedding_update(const MergeProbe& probe, const LowRank& low_rank) {
    std::int64_t row = 0;
    for (const auto& sequence : probe.sequences) {
      for (const std::int32_t id : sequence) {
        at::Tensor u = low_rank.b.narrow(0, id, 1).mul(low_rank.scale);
        hidden_.narrow(0, row++, 1).add_(matmul_nn(u, low_rank.a));
      }
    }
  }

  const WeightSource& source_;
  const LlamaConfig& config_;
  std::size_t adapters_;
  Segments segments_;
  RopeRows rope_;
  at::Tensor hidden_;  ///< [N, D]
};

std::optional<LowRank> adapter_on(const std::string& name, const StoredAdapter& adapter,
                                  const LlamaConfig& config) {
  const std::vector<LinearShape> modules = adaptable_modules(config);
  for (const StoredLowRank& module : adapter.modules()) {
    if (modules[module.linear].name == name) {
      return adapter.read(module);
    }
  }
  return std::nullopt;
}

void set_bounds(MergeProof& proof, DType dtype) {
  if (dtype == DType::kF32) {
    proof.max_abs_bound = 1e-3;
    proof.kl_bound = 1e-6;
    return;
  }
  proof.kl_bound = dtype == DType::kF16 ? 1e-3 : 5e-3;
  if (proof.base_rounding) {
    proof.kl_bound += 4 * proof.base_rounding->kl;
  }
}

}  // namespace

std::optional<MergeProof> prove_merge(const MergeBase& base, const StoredAdapter& adapter,
                                      const MergePlan& plan, const std::filesystem::path& folder,
                                      const MergeProbe& probe, const std::function<bool()>& stop) {
  const std::unique_ptr<WeightSource> written = open_weights(folder);
  const RoundedSource rounded_source(*base.bare, *torch_dtype(plan.dtype));
  const bool rounds = plan.converts && plan.dtype != DType::kF32;
  const LlamaConfig& config = base.weights->config();
  const std::optional<LowRank> embedding = adapter_on(kEmbeddingModule, adapter, config);
  const std::optional<LowRank> head = adapter_on(kHeadModule, adapter, config);
  LayeredModel reference(*base.weights, probe, embedding ? &*embedding : nullptr);
  LayeredModel bare(*base.bare, probe);
  LayeredModel merged(*written, probe);
  std::optional<LayeredModel> rounded;
  if (rounds) {
    rounded.emplace(rounded_source, probe);
  }
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const auto place = static_cast<std::size_t>(layer);
    reference.run_layer(place, &adapter);
    bare.run_layer(place, nullptr);
    merged.run_layer(place, nullptr);
    if (rounded) {
      rounded->run_layer(place, nullptr);
    }
    if (stop()) {
      return std::nullopt;
    }
  }
  for (LayeredModel* model : {&reference, &bare, &merged}) {
    model->finish();
  }
  if (rounded) {
    rounded->finish();
  }
  LogitComparison against_merged(probe.tokens());
  LogitComparison against_bare(probe.tokens());
  LogitComparison rounding(probe.tokens());
  for (std::int64_t first = 0; first < config.vocab_size; first += kHeadRows) {
    const std::int64_t count = std::min(kHeadRows, config.vocab_size - first);
    const at::Tensor wanted = reference.logits(first, count, head ? &*head : nullptr);
    const at::Tensor without = bare.logits(first, count, nullptr);
    against_merged.add(wanted, merged.logits(first, count, nullptr));
    against_bare.add(wanted, without);
    if (rounded) {
      rounding.add(without, rounded->logits(first, count, nullptr));
    }
    if (stop()) {
      return std::nullopt;
    }
  }
  MergeProof proof;
  proof.probe = probe.source;
  proof.sequences = static_cast<std::int64_t>(probe.sequences.size());
  proof.tokens = probe.tokens();
  proof.merged = against_merged.result();
  proof.adapter_effect = against_bare.result();
  if (rounded) {
    proof.base_rounding = rounding.result();
  }
  set_bounds(proof, plan.dtype);
  return proof;
}

std::optional<LogitDifference> compare_logits(const std::filesystem::path& reference,
                                              const std::filesystem::path& other, const MergeProbe& probe,
                                              const std::function<bool()>& stop) {
  const std::array sources{open_weights(reference), open_weights(other)};
  std::array models{LayeredModel(*sources[0], probe), LayeredModel(*sources[1], probe)};
  const LlamaConfig& config = sources[0]->config();
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    for (LayeredModel& model : models) {
      model.run_layer(static_cast<std::size_t>(layer), nullptr);
    }
    if (stop()) {
      return std::nullopt;
    }
  }
  for (LayeredModel& model : models) {
    model.finish();
  }
  LogitComparison comparison(probe.tokens());
  for (std::int64_t first = 0; first < config.vocab_size; first += kHeadRows) {
    const std::int64_t count = std::min(kHeadRows, config.vocab_size - first);
    comparison.add(models[0].logits(first, count, nullptr), models[1].logits(first, count, nullptr));
  }
  return comparison.result();
}

}  // namespace lore
