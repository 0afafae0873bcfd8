#include "lore/tasks/model_comparison.h"

#include <algorithm>
#include <array>

namespace lore {
namespace {

/// Logits of each model that are in memory at a time.
constexpr std::int64_t kLogits = 4 << 20;

std::vector<std::int32_t> next_tokens(const TokenSequences& sequences) {
  std::vector<std::int32_t> labels;
  for (const auto& sequence : sequences) {
    labels.insert(labels.end(), sequence.begin() + 1, sequence.end());
    labels.push_back(-1);
  }
  return labels;
}

}  // namespace

std::optional<LogitDifference> compare_models(const WeightSource& reference, const WeightSource& other,
                                              const TokenSequences& sequences,
                                              const std::function<bool()>& stop,
                                              const LayerProgress& progress) {
  std::array models{LayeredModel(reference, sequences), LayeredModel(other, sequences)};
  const LlamaConfig& config = reference.config();
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    progress(layer, config.num_hidden_layers);
    for (LayeredModel& model : models) {
      model.run_layer(static_cast<std::size_t>(layer));
    }
    if (stop()) {
      return std::nullopt;
    }
  }
  for (LayeredModel& model : models) {
    model.finish();
  }
  const std::vector<std::int32_t> labels = next_tokens(sequences);
  LogitComparison comparison(labels);
  const std::int64_t block = std::max<std::int64_t>(256, kLogits / static_cast<std::int64_t>(labels.size()));
  for (std::int64_t first = 0; first < config.vocab_size; first += block) {
    const std::int64_t count = std::min(block, config.vocab_size - first);
    comparison.add(models[0].logits(first, count), models[1].logits(first, count));
    if (stop()) {
      return std::nullopt;
    }
  }
  return comparison.result();
}

}  // namespace lore
