#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "lore/eval/windows.h"
#include "lore/nn/llama.h"

namespace lore {

/// How surprising a text is to a model. The sums of several texts add up.
struct LanguageScore {
  double loss_sum = 0;      ///< of -log p(token), in nats
  std::int64_t tokens = 0;  ///< that were scored
  std::int64_t bytes = 0;   ///< of the text in UTF-8; 0 where it is not known
  std::int64_t words = 0;   ///< of the text, between white space; 0 where it is not known

  LanguageScore& operator+=(const LanguageScore& other);

  /// Mean nats a token. Nothing where no token was scored, as in the ones below.
  std::optional<double> loss() const;
  /// e to the mean nats a token.
  std::optional<double> perplexity() const;
  /// e to the mean nats a byte, which does not depend on the tokenizer.
  std::optional<double> byte_perplexity() const;
  /// e to the mean nats a word.
  std::optional<double> word_perplexity() const;
};

/// Scores windows of `ids`. Windows are put into one batch up to `batch_tokens` tokens; no logits are kept.
/// Returns tokens and their loss. `on_progress` receives the windows that are done, and ends the scoring
/// early when it returns false. Throws: Error kInput for an id outside the model's vocabulary.
LanguageScore score_windows(const LlamaForCausalLm& model, const AdapterSet& adapters,
                            std::span<const std::int32_t> ids, std::span<const Window> windows,
                            std::int64_t batch_tokens, const std::function<bool(std::size_t)>& on_progress);

}  // namespace lore
