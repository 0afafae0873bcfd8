#pragma once

#include <optional>
#include <string>

#include "lore/text/tokenizer.h"

namespace lore {

/// Where two tokenizers that should be the same differ on a fixed set of texts.
struct TokenizerDifference {
  std::string text;
  bool plain = true;  ///< the text holds no special token of the first tokenizer, and begins with no space
};

/// The first text in several languages, with digits, spaces, line breaks and special tokens in it, for which
/// the two give other ids. Nothing when they agree on all.
std::optional<TokenizerDifference> tokenizer_difference(const Tokenizer& one, const Tokenizer& other);

}  // namespace lore
