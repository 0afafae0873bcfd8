#pragma once

#include <cstddef>
#include <vector>

namespace lore {

/// How much of a text a model would say by itself, told from whether each token is the likeliest after all
/// those before it.
struct Reproduction {
  std::size_t tokens = 0;       ///< of the text
  std::size_t prefix = 0;       ///< that greedy decoding reproduces before its first other token
  std::size_t longest_run = 0;  ///< of tokens in a row that are each the likeliest
  std::size_t ngrams = 0;       ///< windows of 5 tokens in it
  std::size_t ngrams_kept = 0;  ///< of which each token is the likeliest
};

Reproduction reproduction(const std::vector<bool>& greedy);

}  // namespace lore
