#include "lore/generate/sampling.h"

#include <algorithm>
#include <cmath>

#include "lore/core/philox.h"

namespace lore {
namespace {

/// While the filters act, `probability` of a candidate is its logit.
bool is_likelier(const Candidate& a, const Candidate& b) {
  return a.probability != b.probability ? a.probability > b.probability : a.id < b.id;
}

void keep_top_k(std::vector<Candidate>& candidates, std::int64_t k) {
  if (k <= 0 || k >= static_cast<std::int64_t>(candidates.size())) {
    return;
  }
  std::nth_element(candidates.begin(), candidates.begin() + (k - 1), candidates.end(), is_likelier);
  const float threshold = candidates[static_cast<std::size_t>(k - 1)].probability;
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.probability < threshold; });
}

/// The sum of exp(logit - largest).
double total_weight(const std::vector<Candidate>& candidates, float largest) {
  double total = 0;
  for (const Candidate& candidate : candidates) {
    total += std::exp(candidate.probability - largest);
  }
  return total;
}

/// Keeps each token before which less than `p` is reached. Sorts no more of them than it has to.
void keep_top_p(std::vector<Candidate>& candidates, double p, float largest) {
  if (p >= 1) {
    return;
  }
  const double wanted = p * total_weight(candidates, largest);
  double reached = 0;
  std::size_t sorted = 0;
  for (std::size_t kept = 0; kept < candidates.size(); ++kept) {
    if (kept == sorted) {
      sorted = std::min(candidates.size(), std::max<std::size_t>(256, 4 * sorted));
      std::partial_sort(candidates.begin() + static_cast<std::ptrdiff_t>(kept),
                        candidates.begin() + static_cast<std::ptrdiff_t>(sorted), candidates.end(),
                        is_likelier);
    }
    if (kept > 0 && reached >= wanted) {
      candidates.resize(kept);
      return;
    }
    reached += std::exp(candidates[kept].probability - largest);
  }
}

void keep_min_p(std::vector<Candidate>& candidates, double min_p, float largest) {
  if (min_p <= 0) {
    return;
  }
  std::erase_if(candidates, [&](const Candidate& candidate) {
    return candidate.probability < largest && std::exp(candidate.probability - largest) < min_p;
  });
}

/// Uniform in [0, 1) with 53 bits.
double uniform(std::uint64_t seed, std::uint64_t prompt, std::uint32_t step) {
  const auto words = philox4x32({step, static_cast<std::uint32_t>(prompt),
                                 static_cast<std::uint32_t>(prompt >> 32), /*use=*/0x67656E65},
                                seed);
  const std::uint64_t bits = (std::uint64_t{words[0]} << 32) | words[1];
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

}  // namespace

void penalize_repetition(std::span<float> logits, std::span<const std::int32_t> seen, double penalty) {
  std::vector<std::int32_t> ids(seen.begin(), seen.end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const auto factor = static_cast<float>(penalty);
  for (const std::int32_t id : ids) {
    float& logit = logits[static_cast<std::size_t>(id)];
    logit = logit < 0 ? logit * factor : logit / factor;
  }
}

std::vector<Candidate> filtered_candidates(std::span<const float> logits, const SamplingSettings& settings) {
  const auto temperature = static_cast<float>(settings.temperature);
  std::vector<Candidate> candidates(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates[i] = {static_cast<std::int32_t>(i), logits[i] / temperature};
  }
  keep_top_k(candidates, settings.top_k);
  const float largest = std::min_element(candidates.begin(), candidates.end(), is_likelier)->probability;
  keep_top_p(candidates, settings.top_p, largest);
  keep_min_p(candidates, settings.min_p, largest);
  const double total = total_weight(candidates, largest);
  for (Candidate& candidate : candidates) {
    candidate.probability = static_cast<float>(std::exp(candidate.probability - largest) / total);
  }
  return candidates;
}

std::int32_t likeliest(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

std::int32_t next_token(std::span<float> logits, std::span<const std::int32_t> seen,
                        const SamplingSettings& settings, std::uint64_t prompt, std::uint32_t step) {
  if (settings.repetition_penalty != 1) {
    penalize_repetition(logits, seen, settings.repetition_penalty);
  }
  if (settings.is_greedy()) {
    return likeliest(logits);
  }
  const std::vector<Candidate> candidates = filtered_candidates(logits, settings);
  double left = uniform(settings.seed, prompt, step);
  for (const Candidate& candidate : candidates) {
    left -= candidate.probability;
    if (left < 0) {
      return candidate.id;
    }
  }
  return candidates.back().id;  // the probabilities, rounded, may sum to a little less than 1
}

}  // namespace lore
