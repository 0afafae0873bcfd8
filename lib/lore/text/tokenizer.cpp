#include "lore/text/tokenizer.h"

#include "lore/text/gguf_tokenizer.h"
#include "lore/text/hf_tokenizer.h"

namespace lore {

Tokenizer::~Tokenizer() = default;

std::string Tokenizer::decode_verbatim(std::span<const std::int32_t> ids, bool skip_special_tokens) const {
  return decode(ids, skip_special_tokens);
}

bool Tokenizer::is_open(std::int32_t) const { return false; }

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, bool add_special_tokens) const {
  std::vector<std::int32_t> ids;
  std::vector<Token> tokens = tokenize(text, add_special_tokens);
  ids.reserve(tokens.size());
  for (const Token& token : tokens) ids.push_back(token.id);
  return ids;
}

std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& model) {
  if (model.extension() == ".gguf") return load_gguf_tokenizer(model);
  return load_hf_tokenizer(model);
}

}  // namespace lore
