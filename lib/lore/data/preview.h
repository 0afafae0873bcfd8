#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "lore/data/example.h"

namespace lore {

class Tokenizer;

/// One token of an example, for reading.
struct TokenText {
  std::int32_t id = 0;
  bool trained = false;
  bool special = false;
  /// What it adds to the text. Tokens that end within a character share the text they make together.
  std::string text;
  std::size_t part = 1;   ///< which of the tokens that share the text, from 1
  std::size_t parts = 1;  ///< how many share it
};

/// The tokens of `example` with the text of each. Put together, the texts of last parts are what
/// `Tokenizer::decode` gives for all ids, save spaces that a tokenizer cleans up across tokens.
std::vector<TokenText> token_texts(const ExampleView& example, const Tokenizer& tokenizer);

/// What the model will see, as one object:
/// {"source": "file:line", "input_ids": [..], "labels": [..], "text": ".."}.
/// `labels[t]` is `input_ids[t]` where it is trained, else -100 (not shifted).
nlohmann::ordered_json preview_json(const ExampleView& example, const Tokenizer& tokenizer);

}  // namespace lore
