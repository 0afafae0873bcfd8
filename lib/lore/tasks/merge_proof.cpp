#include "lore/tasks/merge_proof.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>

#include "lore/nn/tensor_dtype.h"
#include "lore/tasks/layered_model.h"

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
  LayeredModel reference(*base.weights, probe.sequences, embedding ? &*embedding : nullptr);
  LayeredModel bare(*base.bare, probe.sequences);
  LayeredModel merged(*written, probe.sequences);
  std::optional<LayeredModel> rounded;
  if (rounds) {
    rounded.emplace(rounded_source, probe.sequences);
  }
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    const auto place = static_cast<std::size_t>(layer);
    reference.run_layer(place, &adapter);
    bare.run_layer(place);
    merged.run_layer(place);
    if (rounded) {
      rounded->run_layer(place);
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
    const at::Tensor without = bare.logits(first, count);
    against_merged.add(wanted, merged.logits(first, count));
    against_bare.add(wanted, without);
    if (rounded) {
      rounding.add(without, rounded->logits(first, count));
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

}  // namespace lore
