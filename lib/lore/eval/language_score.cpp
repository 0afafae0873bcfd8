#include "lore/eval/language_score.h"

#include <cmath>

#include "lore/eval/token_ids.h"
#include "lore/kernels/cross_entropy.h"

namespace lore {
namespace {

std::optional<double> mean(double sum, std::int64_t count) {
  return count > 0 ? std::optional(sum / static_cast<double>(count)) : std::nullopt;
}

std::optional<double> exponential(std::optional<double> value) {
  return value ? std::optional(std::exp(*value)) : std::nullopt;
}

/// Windows laid one behind another.
struct WindowBatch {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> labels;
  Segments segments;

  void append(std::span<const std::int32_t> tokens, std::int64_t scored) {
    const auto length = static_cast<std::int64_t>(tokens.size());
    ids.insert(ids.end(), tokens.begin(), tokens.end());
    // Position i predicts token i + 1; the last predicts nothing of this window.
    for (std::int64_t i = 0; i < length; ++i) {
      const bool is_scored = i + 1 < length && i + 1 >= length - scored;
      labels.push_back(is_scored ? tokens[static_cast<std::size_t>(i) + 1] : kIgnoredLabel);
    }
    segments.append(length);
  }
};

}  // namespace

LanguageScore& LanguageScore::operator+=(const LanguageScore& other) {
  loss_sum += other.loss_sum;
  tokens += other.tokens;
  bytes += other.bytes;
  words += other.words;
  return *this;
}

std::optional<double> LanguageScore::loss() const { return mean(loss_sum, tokens); }
std::optional<double> LanguageScore::perplexity() const { return exponential(loss()); }
std::optional<double> LanguageScore::byte_perplexity() const {
  return tokens > 0 ? exponential(mean(loss_sum, bytes)) : std::nullopt;
}
std::optional<double> LanguageScore::word_perplexity() const {
  return tokens > 0 ? exponential(mean(loss_sum, words)) : std::nullopt;
}

LanguageScore score_windows(const LlamaForCausalLm& model, const AdapterSet& adapters,
                            std::span<const std::int32_t> ids, std::span<const Window> windows,
                            std::int64_t batch_tokens, const std::function<bool(std::size_t)>& on_progress) {
  check_token_ids(ids, model.config());
  LanguageScore score;
  for (std::size_t next = 0; next < windows.size();) {
    WindowBatch batch;
    do {
      const Window& window = windows[next++];
      batch.append(
          ids.subspan(static_cast<std::size_t>(window.first), static_cast<std::size_t>(window.length)),
          window.scored);
    } while (next < windows.size() && batch.segments.tokens() + windows[next].length <= batch_tokens);
    const ForwardPass pass = model.pass(batch.segments, adapters);
    const at::Tensor hidden = model.forward(batch.ids, pass);
    const LinearCrossEntropyResult result = model.loss(hidden, batch.labels, 1.0, pass, /*sink=*/nullptr);
    score.loss_sum += result.loss_sum;
    score.tokens += result.count;
    if (!on_progress(next)) {
      break;
    }
  }
  return score;
}

}  // namespace lore
