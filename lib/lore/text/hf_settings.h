#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lore/text/added_tokens.h"

namespace lore {

/// The tokenizer classes of transformers whose constructors do more than read tokenizer.json.
enum class HfTokenizerClass {
  kPreTrainedTokenizerFast,
  kLlamaTokenizerFast,
  kQwen2TokenizerFast,
  kGpt2TokenizerFast
};

/// A special token's value: a text, or a token with flags, which is then added with them.
struct HfSpecialToken {
  std::string content;
  std::optional<AddedToken> token;
  bool given = false;  ///< by a file, not by the class's constructor
};

/// What the small files beside a vocabulary say, as AutoTokenizer of transformers 4.57.6 understands them.
struct HfSettings {
  HfTokenizerClass type = HfTokenizerClass::kPreTrainedTokenizerFast;
  /// bos_token, eos_token, ... in the order transformers goes through them.
  std::vector<std::pair<std::string, HfSpecialToken>> special_tokens;
  std::vector<HfSpecialToken> additional_special_tokens;
  /// By the id they are listed with.
  std::map<std::int64_t, AddedToken> added_tokens;
  bool has_added_tokens_decoder = false;
  bool add_bos_token = true;
  bool add_eos_token = false;
  std::optional<bool> add_prefix_space;   ///< nothing when it is missing or null
  bool add_prefix_space_is_null = false;  ///< given as null, which the slow tokenizer takes for false
  bool legacy = true;
  bool clean_up_tokenization_spaces = false;

  const HfSpecialToken* find(std::string_view name) const;
  /// Takes over an added token of tokenizer.json. Without an added_tokens_decoder its flags win over those
  /// that special_tokens_map.json and added_tokens.json give.
  void adopt(std::int64_t id, const AddedToken& token);
  /// A text that differs when any of this differs.
  std::string fingerprint() const;
};

/// Reads tokenizer_config.json, special_tokens_map.json, added_tokens.json and config.json of `folder`, as
/// far as they are there. `otherwise` is the class when none of them tells. Throws: Error kInput for a wrong
/// field or a tokenizer class that is not supported.
HfSettings read_hf_settings(const std::filesystem::path& folder, HfTokenizerClass otherwise);

/// Gives strings the flags that the constructor of the slow LlamaTokenizer gives them.
void mark_as_slow_llama(HfSettings& settings);

}  // namespace lore
