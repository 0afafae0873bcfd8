#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// One token of a text: its id and the bytes of the original text it came from.
///
/// The range has the semantics of Hugging Face's offsets, counted in bytes: several tokens that
/// share one character have that character's range, and a token that was put there (a BOS, an
/// inserted prefix) has an empty range.
struct Token {
  std::int32_t id;
  std::size_t begin;
  std::size_t end;
  bool operator==(const Token&) const = default;
};

/// The special tokens a tokenizer names.
struct SpecialTokens {
  /// bos_token, eos_token, unk_token, pad_token, ... as tokenizer_config.json (else
  /// special_tokens_map.json, else the GGUF's ids) gives them.
  std::map<std::string, std::string> by_name;
  std::optional<std::int32_t> bos;
  std::optional<std::int32_t> eos;
  std::optional<std::int32_t> pad;
  std::optional<std::int32_t> unk;
};

/// Text to token ids and back. Immutable after loading, and safe to use from several threads at once.
///
/// Bytes that are not UTF-8 are read as U+FFFD, by the rule of Python's bytes.decode("utf-8", "replace").
class Tokenizer {
 public:
  virtual ~Tokenizer();

  /// The tokens of `text`. Added and special tokens written in the text are recognised, as in
  /// transformers. `add_special_tokens` puts BOS, EOS or a template around them as the tokenizer asks.
  virtual std::vector<Token> tokenize(std::string_view text, bool add_special_tokens) const = 0;

  /// The ids of `tokenize`.
  std::vector<std::int32_t> encode(std::string_view text, bool add_special_tokens) const;

  /// The text of `ids`. Ids outside the vocabulary are left out; bytes that make no UTF-8 become U+FFFD.
  virtual std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const = 0;
  /// True when `decode` takes spaces out before punctuation, as transformers does where tokenizer_config.json
  /// has clean_up_tokenization_spaces.
  virtual bool cleans_up_spaces() const = 0;
  /// `decode` before that clean-up.
  virtual std::string decode_verbatim(std::span<const std::int32_t> ids, bool skip_special_tokens) const;

  /// The number of tokens, added ones included: `len(tokenizer)` of transformers.
  virtual std::int64_t size() const = 0;
  virtual std::optional<std::int32_t> id_of(std::string_view token) const = 0;
  /// The token as the vocabulary spells it. Throws: Error kInput for an id that is not in it.
  virtual std::string token_of(std::int32_t id) const = 0;
  /// True for the tokens that decode(..., skip_special_tokens) leaves out.
  virtual bool is_special(std::int32_t id) const = 0;
  /// True when later tokens may change what `decode` gives up to and with `id`, although it ends a character:
  /// for one byte, written <0xHH>, and for an id that is no token.
  virtual bool is_open(std::int32_t id) const;

  const SpecialTokens& special_tokens() const { return special_tokens_; }
  /// SHA-256 of the bytes that define this tokenizer, 64 hex digits.
  const std::string& sha256() const { return sha256_; }

 protected:
  SpecialTokens special_tokens_;
  std::string sha256_;
};

/// Loads the tokenizer of `model`: a folder with tokenizer.json or, without that, tokenizer.model;
/// a tokenizer.json or tokenizer.model file itself; or a GGUF file with its vocabulary.
///
/// A folder is read as AutoTokenizer of transformers 4.57.6 reads it, so tokenizer_config.json and
/// special_tokens_map.json beside the vocabulary have their say.
/// Throws: Error kInput for files that are missing, damaged, or use a feature that is not supported.
std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& model);

}  // namespace lore
