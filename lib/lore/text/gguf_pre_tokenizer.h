#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// How the name in tokenizer.ggml.pre splits text. Source: llama.cpp, llama-vocab.cpp, with the patterns of
/// the models' own tokenizer.json where llama.cpp rewrote them.
struct GgufPreTokenizer {
  std::vector<std::string_view> patterns;  ///< each isolates its matches, one after the other
  bool nfc = false;                        ///< normalize to NFC first
  bool ignore_merges = false;
  bool add_bos = false;  ///< unless tokenizer.ggml.add_bos_token says otherwise
};

/// Throws: Error kInput for a name that is not supported.
GgufPreTokenizer gguf_pre_tokenizer(std::string_view name, const std::string& subject);

/// The name for splitting by `patterns`, one after the other, with or without ignore_merges: the inverse.
/// `nfc` chooses between names that differ in nothing else. Nothing when llama.cpp knows no such splitting.
std::optional<std::string_view> gguf_pre_tokenizer_name(std::span<const std::string> patterns, bool nfc,
                                                        bool ignore_merges);

/// GPT-2's pattern, which ByteLevel with use_regex stands for.
std::string_view gpt2_pattern();

}  // namespace lore
