#include "lore/tasks/answer_times.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "lore/core/process_memory.h"

namespace lore {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

TimePercentiles percentiles(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double share) {
    const double rank = std::ceil(share * static_cast<double>(seconds.size()));
    return seconds[static_cast<std::size_t>(std::max(1.0, rank)) - 1];
  };
  return {at(0.50), at(0.95), at(0.99)};
}

void AnswerLatency::add(const Answer& answer) {
  if (answer.first_token_seconds == 0) {
    return;
  }
  to_first_.push_back(answer.first_token_seconds);
  between_.insert(between_.end(), answer.token_seconds.begin(), answer.token_seconds.end());
}

std::optional<TimePercentiles> AnswerLatency::per_token() const {
  return between_.empty() ? std::nullopt : std::optional(percentiles(between_));
}

bool AnswerLatency::keeps(double seconds) const {
  return to_first_token().p95 <= seconds && (between_.empty() || percentiles(between_).p95 <= seconds);
}

std::optional<AnswerTimes> time_answers(const LlamaForCausalLm& model, const AdapterSet& adapters,
                                        std::span<const std::vector<std::int32_t>> prompts,
                                        std::int64_t max_new_tokens,
                                        const std::vector<std::int64_t>& stop_ids,
                                        const std::function<bool(double)>& goes_on) {
  GenerationSettings settings;
  settings.max_new_tokens = max_new_tokens;
  settings.stop_ids = stop_ids;
  AnswerTimes times;
  AnswerLatency latency;
  const auto answer = [&](const std::vector<std::int32_t>& prompt, double share, bool counts) {
    const Clock::time_point start = Clock::now();
    const auto on_token = [&](std::size_t /*prompt*/, std::int32_t /*id*/) {
      return goes_on(share) ? AfterToken::kContinue : AfterToken::kCancel;
    };
    const std::vector<Answer> answers =
        generate_answers(model, adapters, std::span(&prompt, 1), settings, {.on_token = on_token});
    if (counts) {
      ++times.answers;
      times.tokens += static_cast<std::int64_t>(answers.front().ids.size());
      times.seconds += std::chrono::duration<double>(Clock::now() - start).count();
      latency.add(answers.front());
    }
    return goes_on(share);
  };
  if (!answer(prompts.front(), 0, /*counts=*/false)) {
    return std::nullopt;
  }
  reset_peak_rss();
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (!answer(prompts[i], static_cast<double>(i + 1) / static_cast<double>(prompts.size()),
                /*counts=*/true)) {
      return std::nullopt;
    }
  }
  times.peak_memory_bytes = peak_rss_bytes();
  times.to_first_token = latency.to_first_token();
  times.per_token = latency.per_token().value_or(TimePercentiles());
  return times;
}

}  // namespace lore
