#include "lore/tasks/answer_times.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "lore/core/process_memory.h"
#include "lore/generate/decoding.h"

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
  AnswerTimes times;
  std::vector<double> to_first;
  std::vector<double> between;
  const auto answer = [&](const std::vector<std::int32_t>& prompt, double share, bool counts) {
    const Clock::time_point start = Clock::now();
    Clock::time_point last = start;
    bool first = true;
    const auto ids = decode_greedily(model, adapters, prompt, {max_new_tokens, stop_ids}, [&](std::int32_t) {
      const Clock::time_point now = Clock::now();
      if (counts) {
        (first ? to_first : between).push_back(std::chrono::duration<double>(now - last).count());
      }
      first = false;
      last = now;
      return goes_on(share);
    });
    if (counts) {
      ++times.answers;
      times.tokens += static_cast<std::int64_t>(ids.size());
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
