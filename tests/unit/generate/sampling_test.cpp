#include "lore/generate/sampling.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "support/catch.h"

namespace {

std::vector<std::int32_t> ids_of(const std::vector<float>& logits, const lore::SamplingSettings& settings) {
  std::vector<std::int32_t> ids;
  for (const lore::Candidate& candidate : lore::filtered_candidates(logits, settings)) {
    ids.push_back(candidate.id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

const std::vector<float> kLogits{0.5F, 2.0F, -1.0F, 1.0F, 1.0F, -3.0F};

}  // namespace

TEST_CASE("top-k keeps the likeliest tokens and what ties with the last of them") {
  CHECK(ids_of(kLogits, {.temperature = 1, .top_k = 2}) == std::vector<std::int32_t>{1, 3, 4});
  CHECK(ids_of(kLogits, {.temperature = 1, .top_k = 1}) == std::vector<std::int32_t>{1});
  CHECK(ids_of(kLogits, {.temperature = 1, .top_k = 100}).size() == kLogits.size());
}

TEST_CASE("top-p keeps the fewest tokens that reach it, and always one") {
  const std::vector<float> logits{std::log(0.5F), std::log(0.3F), std::log(0.15F), std::log(0.05F)};
  CHECK(ids_of(logits, {.temperature = 1, .top_p = 0.79}) == std::vector<std::int32_t>{0, 1});
  CHECK(ids_of(logits, {.temperature = 1, .top_p = 0.81}) == std::vector<std::int32_t>{0, 1, 2});
  CHECK(ids_of(logits, {.temperature = 1, .top_p = 1e-9}) == std::vector<std::int32_t>{0});
}

TEST_CASE("min-p keeps the tokens whose probability is a share of the likeliest one's") {
  const std::vector<float> logits{std::log(0.5F), std::log(0.3F), std::log(0.15F), std::log(0.05F)};
  CHECK(ids_of(logits, {.temperature = 1, .min_p = 0.29}) == std::vector<std::int32_t>{0, 1, 2});
  CHECK(ids_of(logits, {.temperature = 1, .min_p = 1.0}) == std::vector<std::int32_t>{0});
}

TEST_CASE("a token that was seen twice is penalized once") {
  std::vector<float> logits = kLogits;
  lore::penalize_repetition(logits, std::vector<std::int32_t>{1, 1, 2}, 2.0);
  CHECK(logits == std::vector<float>{0.5F, 1.0F, -2.0F, 1.0F, 1.0F, -3.0F});
}

TEST_CASE("temperature 0 takes the first of the likeliest tokens, after the repetition penalty") {
  std::vector<float> logits = kLogits;
  CHECK(lore::next_token(logits, {}, {}, 0, 0) == 1);
  CHECK(lore::next_token(logits, std::vector<std::int32_t>{1}, {.repetition_penalty = 4.0}, 0, 0) == 3);
}

TEST_CASE("tokens are drawn as often as they are probable, and by (seed, prompt, step) alone") {
  const lore::SamplingSettings settings{.temperature = 0.8, .top_k = 3, .seed = 7};
  std::map<std::int32_t, double> counts;
  constexpr int kDraws = 40000;
  for (std::uint32_t step = 0; step < kDraws; ++step) {
    std::vector<float> logits = kLogits;
    const std::int32_t id = lore::next_token(logits, {}, settings, step % 3, step);
    counts[id] += 1.0 / kDraws;
    if (step < 100) {
      CHECK(lore::next_token(logits, {}, settings, step % 3, step) == id);
    }
  }
  const std::vector<lore::Candidate> candidates = lore::filtered_candidates(kLogits, settings);
  REQUIRE(counts.size() == candidates.size());
  for (const lore::Candidate& candidate : candidates) {
    CHECK(std::abs(counts[candidate.id] - candidate.probability) < 0.01);
  }
}

TEST_CASE("another seed, prompt or step draws other tokens") {
  const auto draws = [](std::uint64_t seed, std::uint64_t prompt, std::uint32_t first_step) {
    std::vector<std::int32_t> ids;
    for (std::uint32_t step = first_step; step < first_step + 64; ++step) {
      std::vector<float> logits = kLogits;
      ids.push_back(lore::next_token(logits, {}, {.temperature = 1, .seed = seed}, prompt, step));
    }
    return ids;
  };
  const std::vector<std::int32_t> reference = draws(1, 0, 0);
  CHECK(reference != draws(2, 0, 0));
  CHECK(reference != draws(1, 1, 0));
  CHECK(reference != draws(1, 0, 64));
}
