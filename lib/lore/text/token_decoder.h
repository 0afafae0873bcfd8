#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// A step that turns tokens back into text, as in tokenizer.json's `decoder`.
class TokenDecoder {
 public:
  virtual ~TokenDecoder();
  /// What is left of the tokens, in order; joined after the last step.
  virtual void apply(std::vector<std::string>& tokens) const = 0;
  /// True when a token after `token` may change what becomes of it.
  virtual bool joins(std::string_view token) const;
};

/// ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace or a Sequence of them; null for a JSON null.
/// Throws: Error kInput for another type or a wrong field.
std::unique_ptr<const TokenDecoder> make_token_decoder(const nlohmann::json& description,
                                                       const std::string& subject);

/// The clean-up of tokenization spaces in transformers: " ." to ".", " n't" to "n't" and so on.
std::string clean_up_spaces(std::string text);

}  // namespace lore
