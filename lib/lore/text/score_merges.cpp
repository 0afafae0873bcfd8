#include "lore/text/score_merges.h"

#include <algorithm>
#include <cstdint>
#include <tuple>

#include "lore/core/utf8.h"

namespace lore {
namespace {

struct ScoredMerge {
  float score;
  std::uint32_t left_length;
  std::uint32_t right_length;
  std::int32_t left;
  std::int32_t right;
  std::int32_t result;
};

}  // namespace

std::vector<RankedMerge> rank_merges(const std::vector<std::pair<std::string, float>>& scored,
                                     const Vocabulary& vocabulary) {
  std::vector<ScoredMerge> merges;
  for (const auto& [token, score] : scored) {
    std::string_view text = token;
    auto result = vocabulary.find(text);
    if (!result) continue;
    auto characters = static_cast<std::uint32_t>(
        std::count_if(text.begin(), text.end(), [](char byte) { return !is_utf8_continuation(byte); }));
    auto first = static_cast<std::ptrdiff_t>(merges.size());
    std::uint32_t left_length = 1;
    std::size_t middle = 0;
    for (next_character(text, middle); middle < text.size(); next_character(text, middle), ++left_length) {
      auto left = vocabulary.find(text.substr(0, middle));
      auto right = left ? vocabulary.find(text.substr(middle)) : std::nullopt;
      if (right) merges.push_back({score, left_length, characters - left_length, *left, *right, *result});
    }
    std::stable_sort(merges.begin() + first, merges.end(), [](const ScoredMerge& a, const ScoredMerge& b) {
      return std::tie(a.left, a.right) < std::tie(b.left, b.right);
    });
  }
  std::stable_sort(merges.begin(), merges.end(), [](const ScoredMerge& a, const ScoredMerge& b) {
    return std::tie(a.score, a.left_length, a.right_length) >
           std::tie(b.score, b.left_length, b.right_length);
  });
  std::vector<RankedMerge> ranked;
  ranked.reserve(merges.size());
  for (const ScoredMerge& m : merges) ranked.push_back({m.left, m.right, m.result});
  return ranked;
}

MergeTable ranked_merges(const std::vector<std::pair<std::string, float>>& scored,
                         const Vocabulary& vocabulary) {
  const std::vector<RankedMerge> merges = rank_merges(scored, vocabulary);
  MergeTable table;
  table.reserve(merges.size());
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const RankedMerge& m = merges[rank];
    table.insert(m.left, m.right, {static_cast<std::uint32_t>(rank), m.result});
  }
  return table;
}

}  // namespace lore
