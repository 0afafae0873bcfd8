#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lore {

/// How the next token is chosen. Each filter is off by default; they act in the order of these fields, the
/// repetition penalty before all, as the logits processors of transformers do.
struct SamplingSettings {
  double temperature = 0;         ///< divides the logits; 0 takes the likeliest token, without the filters
  std::int64_t top_k = 0;         ///< keeps the k likeliest tokens (and what ties with the last); 0: all
  double top_p = 1;               ///< keeps the likeliest tokens that together reach this probability
  double min_p = 0;               ///< keeps tokens at least this times as probable as the likeliest
  double repetition_penalty = 1;  ///< divides positive and multiplies negative logits of tokens seen before
  std::uint64_t seed = 42;

  bool is_greedy() const { return temperature == 0; }
};

/// A token that may come next.
struct Candidate {
  std::int32_t id;
  float probability;
};

/// Makes the logits of tokens in `seen` less likely (Keskar et al., arXiv:1909.05858): positive ones are
/// divided by `penalty`, negative ones multiplied with it. An id counts once, however often it was seen.
void penalize_repetition(std::span<float> logits, std::span<const std::int32_t> seen, double penalty);

/// The tokens that temperature, top-k, top-p (Holtzman et al., arXiv:1904.09751) and min-p (Nguyen et al.,
/// arXiv:2407.01082) leave of `logits`, with probabilities that sum to 1; at least one.
/// REQUIRES a temperature above 0.
std::vector<Candidate> filtered_candidates(std::span<const float> logits, const SamplingSettings& settings);

/// The id of the largest logit, the first of equals.
std::int32_t likeliest(std::span<const float> logits);

/// The next token after `seen`: the likeliest, or drawn among the candidates with the random number that
/// (seed, prompt, step) name. Nothing else decides it, so a prompt's answer does not depend on those that are
/// answered beside it. `logits` are changed by the repetition penalty.
std::int32_t next_token(std::span<float> logits, std::span<const std::int32_t> seen,
                        const SamplingSettings& settings, std::uint64_t prompt, std::uint32_t step);

}  // namespace lore
