#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lore/text/byte_alphabet.h"
#include "lore/text/tokenizer.h"
#include "support/temporary_folder.h"
#include "unit/formats/fixtures.h"

using Ids = std::vector<std::int32_t>;
using TokenizerPointer = std::shared_ptr<const lore::Tokenizer>;

/// A tokenizer.json of a BPE model whose tokens are numbered in order.
inline nlohmann::json bpe_json(const std::vector<std::string>& tokens,
                               const std::vector<std::string>& merges) {
  nlohmann::json vocabulary = nlohmann::json::object();
  for (const std::string& token : tokens) vocabulary[token] = vocabulary.size();
  return {{"version", "1.0"},
          {"added_tokens", nlohmann::json::array()},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", merges}}}};
}

/// The characters of the byte alphabet, ids 0 to 255 in the order of the bytes, and `more` after them.
inline nlohmann::json byte_level_json(const std::vector<std::string>& more,
                                      const std::vector<std::string>& merges) {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    char raw = static_cast<char>(byte);
    tokens.push_back(lore::spell_bytes({&raw, 1}));
  }
  tokens.insert(tokens.end(), more.begin(), more.end());
  nlohmann::json json = bpe_json(tokens, merges);
  json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
  json["decoder"] = {{"type", "ByteLevel"}};
  return json;
}

inline nlohmann::json added_token(std::string_view content, int id, bool special = true) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", special}};
}

inline TokenizerPointer load(const nlohmann::json& json,
                             const nlohmann::json& config = nlohmann::json::object()) {
  TemporaryFolder folder;
  write_text(folder / "tokenizer.json", json.dump());
  write_text(folder / "tokenizer_config.json", config.dump());
  return lore::load_tokenizer(folder.path());
}

inline Ids encode(const lore::Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, false);
}

/// The parts of `text` that the tokens stand for.
inline std::vector<std::string> pieces(const lore::Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> parts;
  for (const lore::Token& token : tokenizer.tokenize(text, false)) {
    parts.emplace_back(text.substr(token.begin, token.end - token.begin));
  }
  return parts;
}
