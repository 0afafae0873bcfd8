#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "lore/generate/generate_answers.h"

namespace lore {

/// Percentiles of some times, in seconds: the least that as many in a hundred do not exceed.
struct TimePercentiles {
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
};

/// Throws nothing. REQUIRES at least one time.
TimePercentiles percentiles(std::vector<double> seconds);

/// How long the tokens of some answers took.
class AnswerLatency {
 public:
  /// One that was cancelled before its first token does not count.
  void add(const Answer& answer);

  std::size_t answers() const { return to_first_.size(); }
  std::size_t tokens() const { return to_first_.size() + between_.size(); }
  /// From when a prompt was let in to the first token. REQUIRES an answer.
  TimePercentiles to_first_token() const { return percentiles(to_first_); }
  /// From one token to the next; nothing where no answer had two.
  std::optional<TimePercentiles> per_token() const;
  /// Whether 95 of 100 first tokens, and 95 of 100 of the others, took at most `seconds`. REQUIRES an answer.
  bool keeps(double seconds) const;

 private:
  std::vector<double> to_first_;
  std::vector<double> between_;
};

/// How fast a model answers, one prompt after another, and what it takes.
struct AnswerTimes {
  std::int64_t answers = 0;
  std::int64_t tokens = 0;             ///< of all answers
  double seconds = 0;                  ///< that all answers took
  TimePercentiles to_first_token;      ///< from the prompt to the first token of its answer
  TimePercentiles per_token;           ///< from one token to the next; zeros where no answer had two
  std::int64_t peak_memory_bytes = 0;  ///< of the process, meanwhile
};

/// Answers every prompt greedily, by at most `max_new_tokens` tokens, one at a time; the first twice, since
/// the first answer of a model is slower than any other. Nothing when `goes_on` gave false. REQUIRES at least
/// one prompt. Throws: Error kUsage for an empty prompt.
std::optional<AnswerTimes> time_answers(const LlamaForCausalLm& model, const AdapterSet& adapters,
                                        std::span<const std::vector<std::int32_t>> prompts,
                                        std::int64_t max_new_tokens,
                                        const std::vector<std::int64_t>& stop_ids,
                                        const std::function<bool(double)>& goes_on);

}  // namespace lore
