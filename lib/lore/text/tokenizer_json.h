#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lore/text/merge_table.h"
#include "lore/text/vocabulary.h"

namespace lore {

/// The content of a tokenizer.json. Its two large parts are kept apart; `description` is the rest of the file
/// with both of them empty.
struct TokenizerJson {
  nlohmann::json description;
  Vocabulary vocabulary;
  /// model.merges as pairs of tokens, in order. The views point into `merge_text`.
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  std::string merge_text;
};

/// Reads the text of a tokenizer.json; `subject` stands for the file in errors.
/// Throws: Error kInput for what is no JSON, nested deeper than 64 levels, or no tokenizer.
TokenizerJson read_tokenizer_json(std::string_view text, const std::string& subject);

/// The merges by token ids, ranked in order. Throws: Error kInput for a merge of tokens that are not there.
MergeTable make_merge_table(const TokenizerJson& json, const std::string& subject);

}  // namespace lore
