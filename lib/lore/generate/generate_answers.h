#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "lore/generate/sampling.h"
#include "lore/nn/llama.h"

namespace lore {

/// How answers are made and where they end.
struct GenerationSettings {
  std::int64_t max_new_tokens = 128;
  std::vector<std::int64_t> stop_ids = {};  ///< tokens that end an answer; not part of it
  SamplingSettings sampling = {};           ///< greedy unless it has a temperature
  std::int64_t batch_tokens = 2048;         ///< that go through the model at once
  std::int64_t cache_tokens = 16384;  ///< that are held at once: of running prompts and their longest answers
};

/// Why an answer ended: by a stop token or by AfterToken::kStop; at max_new_tokens; or because all was to
/// end.
enum class FinishReason { kStop, kLength, kCancelled };

/// "stop", "length" or "cancelled".
std::string_view name_of(FinishReason reason);

/// What a model said to one prompt.
struct Answer {
  std::vector<std::int32_t> ids;
  FinishReason finish_reason = FinishReason::kCancelled;
  double first_token_seconds = 0;  ///< from when its prompt was let into the batch to the first token
  double seconds = 0;              ///< from then to its end
  /// From each token to the next, and to the token that ended it.
  std::vector<double> token_seconds = {};
};

/// What is to happen after a token: go on, end this answer, or end all of them.
enum class AfterToken { kContinue, kStop, kCancel };

/// Who hears of answers while they are made; each may be empty. `prompt` is an index into the prompts.
struct AnswerCallbacks {
  /// `id` was added to an answer.
  std::function<AfterToken(std::size_t prompt, std::int32_t id)> on_token = {};
  /// An answer is complete; false ends all others. Answers come in the order in which they end.
  std::function<bool(std::size_t prompt, const Answer& answer)> on_answer = {};
};

/// Answers every prompt, several at once: a finished answer makes place for the next prompt, and every
/// sequence has a cache of its own, so that nothing is padded (continuous batching; Yu et al., "Orca", OSDI
/// 2022). The answers are in the order of the prompts. Throws: Error kUsage for an empty prompt, kInput for
/// an id outside the model's vocabulary.
std::vector<Answer> generate_answers(const LlamaForCausalLm& model, const AdapterSet& adapters,
                                     std::span<const std::vector<std::int32_t>> prompts,
                                     const GenerationSettings& settings,
                                     const AnswerCallbacks& callbacks = {});

}  // namespace lore
