#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lore/eval/suite.h"
#include "lore/nn/llama.h"

namespace lore {

/// Tokens that a model may go on with after a context.
struct Continuation {
  std::vector<std::int32_t> context;  ///< at least one token
  std::vector<std::int32_t> ids;      ///< at least one token
};

/// How likely a continuation is to a model.
struct ContinuationScore {
  double log_probability = 0;  ///< of all its tokens, in nats
  bool is_greedy = false;      ///< whether each token was the likeliest
  std::vector<bool> greedy;    ///< the same of each token
};

/// Scores every continuation, several in one batch of up to `batch_tokens` tokens. `on_progress` receives how
/// many are done, and ends the scoring early when it returns false.
/// Throws: Error kInput for an id outside the model's vocabulary.
std::vector<ContinuationScore> score_continuations(const LlamaForCausalLm& model, const AdapterSet& adapters,
                                                   std::span<const Continuation> continuations,
                                                   std::int64_t batch_tokens,
                                                   const std::function<bool(std::size_t)>& on_progress);
/// The same by a model under test; its progress goes to `share`.
std::vector<ContinuationScore> score_continuations(const TestedModel& tested,
                                                   std::span<const Continuation> continuations,
                                                   double share = 1);

}  // namespace lore
