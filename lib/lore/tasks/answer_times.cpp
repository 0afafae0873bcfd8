#include "lore/tasks/answer_times.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "lore/core/process_memory.h"
#include "lore/generate/generate_answers.h"

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

std::optional<AnswerTimes> time_answers(const LlamaForCausalLm& model, const AdapterSet& adapters,
                                        std::span<const std::vector<std::int32_t>> prompts,
                                        std::int64_t max_new_tokens,
                                        const std::vector<std::int64_t>& stop_ids,
                                        const std::function<bool(double)>& goes_on) {
  GenerationSettings settings;
  settings.max_new_tokens = max_new_tokens;
  settings.stop_ids = stop_ids;
  AnswerTimes times;
  std::vector<double> to_first;
  std::vector<double> between;
  const auto answer = [&](const std::vector<std::int32_t>& prompt, double share, bool counts) {
    const Clock::time_point start = Clock::now();
    Clock::time_point last = start;
    bool first = true;
    const auto on_token = [&](std::size_t /*prompt*/, std::int32_t /*id*/) {
      const Clock::time_point now = Clock::now();
      if (counts) {
        (first ? to_first : between).push_back(std::chrono::duration<double>(now - last).count());
        ++times.tokens;
      }
      first = false;
      last = now;
      return goes_on(share) ? AfterToken::kContinue : AfterToken::kCancel;
    };
    generate_answers(model, adapters, std::span(&prompt, 1), settings, {.on_token = on_token});
    if (counts) {
      ++times.answers;
      times.seconds += std::chrono::duration<double>(Clock::now() - start).count();
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
  if (!to_first.empty()) {
    times.to_first_token = percentiles(std::move(to_first));
  }
  if (!between.empty()) {
    times.per_token = percentiles(std::move(between));
  }
  return times;
}

}  // namespace lore
