#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lore/text/merge_table.h"
#include "lore/text/vocabulary.h"

namespace lore {

/// A merge of two tokens into one, by their ids.
struct RankedMerge {
  std::int32_t left;
  std::int32_t right;
  std::int32_t result;
};

/// Every way to make a token of `scored` (token and score) from two tokens of `vocabulary`, ranked as
/// `generate_merges` of transformers ranks them: by score, then by length of the left and of the right part
/// in characters, all descending; equals by the ids of the parts.
std::vector<RankedMerge> rank_merges(const std::vector<std::pair<std::string, float>>& scored,
                                     const Vocabulary& vocabulary);

/// The same as a table.
MergeTable ranked_merges(const std::vector<std::pair<std::string, float>>& scored,
                         const Vocabulary& vocabulary);

}  // namespace lore
