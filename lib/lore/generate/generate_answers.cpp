#include "lore/generate/generate_answers.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <list>

#include "lore/core/error.h"
#include "lore/kernels/parallel.h"

namespace lore {
namespace {

/// Bytes of logits that exist at a time.
constexpr std::int64_t kLogitsBytes = 64 << 20;

using Clock = std::chrono::steady_clock;

/// A prompt on its way to an answer.
struct Sequence {
  std::size_t prompt;
  std::vector<std::int32_t> ids;  ///< of the prompt and of the answer so far
  KvCache cache;                  ///< of the ids that went through the model
  Clock::time_point start = Clock::now();
  double last_token = 0;  ///< when it was there, in seconds since the start

  double seconds() const { return std::chrono::duration<double>(Clock::now() - start).count(); }
  std::int64_t waiting() const { return static_cast<std::int64_t>(ids.size()) - cache.length(); }
};

class AnswerBatch {
 public:
  AnswerBatch(const LlamaForCausalLm& model, const AdapterSet& adapters,
              std::span<const std::vector<std::int32_t>> prompts, const GenerationSettings& settings,
              const AnswerCallbacks& callbacks)
      : model_(model),
        adapters_(adapters),
        prompts_(prompts),
        settings_(settings),
        callbacks_(callbacks),
        answers_(prompts.size()) {}

  std::vector<Answer> run() {
    // Without what LibTorch would note for gradients, each of its operations is called faster.
    const c10::InferenceMode inference;
    admit();
    while (!running_.empty() && !cancelled_) {
      step();
      admit();
    }
    return std::move(answers_);
  }

 private:
  /// The tokens that the sequence of a prompt may grow to.
  std::int64_t longest(std::size_t prompt) const {
    return static_cast<std::int64_t>(prompts_[prompt].size()) + settings_.max_new_tokens;
  }

  /// Lets prompts in, in their order, as far as there is place. One that is too long for it runs alone.
  void admit() {
    while (next_ < prompts_.size() &&
           (running_.empty() || held_ + longest(next_) <= settings_.cache_tokens)) {
      held_ += longest(next_);
      Sequence& sequence = running_.emplace_back(
          Sequence{next_, prompts_[next_],
                   KvCache(model_.config(), at::TensorOptions(model_.dtype()).device(model_.device()))});
      sequence.cache.reserve(std::min(longest(next_), settings_.cache_tokens));
      ++next_;
    }
  }

  /// Sends waiting tokens through the model, those of the oldest sequences first: one of each answer, and of
  /// new prompts as many as a batch has room for.
  void step() {
    Segments segments;
    std::vector<std::int32_t> input;
    std::vector<KvCache*> caches;
    std::vector<std::int64_t> last_rows;
    std::vector<std::list<Sequence>::iterator> asked;
    for (auto sequence = running_.begin(); sequence != running_.end(); ++sequence) {
      const std::int64_t count = std::min(sequence->waiting(), settings_.batch_tokens - segments.tokens());
      if (count == 0) {
        break;
      }
      const auto first = sequence->ids.begin() + sequence->cache.length();
      if (count == sequence->waiting()) {
        asked.push_back(sequence);
        last_rows.push_back(segments.tokens() + count - 1);
      }
      input.insert(input.end(), first, first + count);
      segments.append(count, sequence->cache.length());
      caches.push_back(&sequence->cache);
    }
    const at::Tensor hidden = model_.forward(input, model_.pass(segments, adapters_, {}, caches));
    const std::vector<std::int32_t> tokens =
        next_tokens(at::index_select(hidden, 0, at::tensor(last_rows).to(hidden.device())), asked);
    for (std::size_t i = 0; i < asked.size() && !cancelled_; ++i) {
      take(asked[i], tokens[i]);
    }
  }

  /// What comes after each of the sequences, whose last hidden states are `hidden`.
  std::vector<std::int32_t> next_tokens(const at::Tensor& hidden,
                                        const std::vector<std::list<Sequence>::iterator>& asked) const {
    std::vector<std::int32_t> tokens(asked.size());
    const std::int64_t vocabulary = model_.config().vocab_size;
    const std::int64_t chunk = std::max<std::int64_t>(1, kLogitsBytes / (vocabulary * 4));
    for (std::int64_t first = 0; first < hidden.size(0); first += chunk) {
      const std::int64_t count = std::min(chunk, hidden.size(0) - first);
      const at::Tensor logits = model_.logits(hidden.narrow(0, first, count), adapters_)
                                    .to(at::TensorOptions(at::kFloat).device(at::kCPU))
                                    .contiguous();
      parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
          const auto i = static_cast<std::size_t>(first + row);
          const Sequence& sequence = *asked[i];
          tokens[i] =
              next_token({logits.data_ptr<float>() + row * vocabulary, static_cast<std::size_t>(vocabulary)},
                         sequence.ids, settings_.sampling, sequence.prompt,
                         static_cast<std::uint32_t>(answers_[sequence.prompt].ids.size()));
        }
      });
    }
    return tokens;
  }

  void take(std::list<Sequence>::iterator sequence, std::int32_t id) {
    Answer& answer = answers_[sequence->prompt];
    const double now = sequence->seconds();
    if (answer.ids.empty()) {
      answer.first_token_seconds = now;
    } else {
      answer.token_seconds.push_back(now - sequence->last_token);
    }
    sequence->last_token = now;
    if (std::find(settings_.stop_ids.begin(), settings_.stop_ids.end(), id) != settings_.stop_ids.end()) {
      finish(sequence, FinishReason::kStop);
      return;
    }
    answer.ids.push_back(id);
    sequence->ids.push_back(id);
    const AfterToken after =
        callbacks_.on_token ? callbacks_.on_token(sequence->prompt, id) : AfterToken::kContinue;
    if (after == AfterToken::kCancel) {
      cancelled_ = true;
    } else if (after == AfterToken::kStop) {
      finish(sequence, FinishReason::kStop);
    } else if (static_cast<std::int64_t>(answer.ids.size()) == settings_.max_new_tokens) {
      finish(sequence, FinishReason::kLength);
    }
  }

  void finish(std::list<Sequence>::iterator sequence, FinishReason reason) {
    const std::size_t prompt = sequence->prompt;
    answers_[prompt].finish_reason = reason;
    answers_[prompt].seconds = sequence->seconds();
    held_ -= longest(prompt);
    running_.erase(sequence);
    cancelled_ = callbacks_.on_answer && !callbacks_.on_answer(prompt, answers_[prompt]);
  }

  const LlamaForCausalLm& model_;
  const AdapterSet& adapters_;
  std::span<const std::vector<std::int32_t>> prompts_;
  const GenerationSettings& settings_;
  const AnswerCallbacks& callbacks_;
  std::vector<Answer> answers_;
  std::list<Sequence> running_;  ///< oldest first
  std::size_t next_ = 0;         ///< the first prompt that has not been let in
  std::int64_t held_ = 0;        ///< tokens that the running sequences may grow to
  bool cancelled_ = false;
};

}  // namespace

std::string_view name_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      return "cancelled";
  }
  return "";
}

std::vector<Answer> generate_answers(const LlamaForCausalLm& model, const AdapterSet& adapters,
                                     std::span<const std::vector<std::int32_t>> prompts,
                                     const GenerationSettings& settings, const AnswerCallbacks& callbacks) {
  for (std::size_t prompt = 0; prompt < prompts.size(); ++prompt) {
    if (prompts[prompt].empty()) {
      throw Error(ErrorKind::kUsage, fmt::format("prompt {}", prompt + 1), "is empty");
    }
  }
  return AnswerBatch(model, adapters, prompts, settings, callbacks).run();
}

}  // namespace lore
