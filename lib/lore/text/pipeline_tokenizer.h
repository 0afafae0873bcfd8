#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/text/added_tokens.h"
#include "lore/text/bpe.h"
#include "lore/text/normalizer.h"
#include "lore/text/post_processor.h"
#include "lore/text/pre_tokenizer.h"
#include "lore/text/token_decoder.h"
#include "lore/text/tokenizer.h"

namespace lore {

/// The steps of a tokenizer in the order they run; each but the model may be missing.
struct Pipeline {
  AddedTokens added;
  std::unique_ptr<const Normalizer> normalizer;
  std::unique_ptr<const PreTokenizer> pre_tokenizer;
  std::unique_ptr<const Bpe> model;
  PostProcessor post_processor;
  std::unique_ptr<const TokenDecoder> decoder;
  bool clean_up_spaces = false;  ///< tidy decoded text as transformers' clean_up_tokenization_spaces does
};

/// The pipeline of Hugging Face's tokenizers: added tokens cut out, normalizer, pre-tokenizer, BPE,
/// post-processor; and back.
class PipelineTokenizer : public Tokenizer {
 public:
  PipelineTokenizer(Pipeline pipeline, SpecialTokens special_tokens, std::string sha256);

  std::vector<Token> tokenize(std::string_view text, bool add_special_tokens) const override;
  std::string decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const override;
  std::string decode_verbatim(std::span<const std::int32_t> ids, bool skip_special_tokens) const override;
  bool cleans_up_spaces() const override { return pipeline_.clean_up_spaces; }
  std::int64_t size() const override { return size_; }
  std::optional<std::int32_t> id_of(std::string_view token) const override;
  std::string token_of(std::int32_t id) const override;
  bool is_special(std::int32_t id) const override;
  bool is_open(std::int32_t id) const override;

  /// The model's own tokens, without the added ones.
  const Vocabulary& vocabulary() const { return pipeline_.model->vocabulary(); }
  const AddedTokens& added() const { return pipeline_.added; }

 private:
  std::optional<std::string_view> spelling(std::int32_t id) const;
  /// The pieces between and of the added tokens, normalized.
  void extract(std::string_view text, Pieces& pieces) const;
  std::vector<Token> run_model(const Pieces& pieces) const;

  Pipeline pipeline_;
  std::int64_t size_;
};

}  // namespace lore
