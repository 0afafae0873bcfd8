#include "lore/eval/memorisation.h"

#include <algorithm>

namespace lore {
namespace {

constexpr std::size_t kNgram = 5;

}  // namespace

Reproduction reproduction(const std::vector<bool>& greedy) {
  Reproduction result;
  result.tokens = greedy.size();
  result.prefix = static_cast<std::size_t>(std::ranges::find(greedy, false) - greedy.begin());
  result.ngrams = greedy.size() < kNgram ? 0 : greedy.size() - kNgram + 1;
  std::size_t run = 0;
  for (const bool likeliest : greedy) {
    run = likeliest ? run + 1 : 0;
    result.longest_run = std::max(result.longest_run, run);
    result.ngrams_kept += run >= kNgram ? 1 : 0;
  }
  return result;
}

}  // namespace lore
