#include "lore/text/pipeline_tokenizer.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/utf8.h"

namespace lore {

PipelineTokenizer::PipelineTokenizer(Pipeline pipeline, SpecialTokens special_tokens, std::string sha256)
    : pipeline_(std::move(pipeline)) {
  special_tokens_ = std::move(special_tokens);
  sha256_ = std::move(sha256);
  pipeline_.added.build([this](std::string_view content) {
    AlignedText text(content, 0);
    if (pipeline_.normalizer != nullptr) pipeline_.normalizer->apply(text);
    return std::string(text.text());
  });
  const Vocabulary& vocabulary = pipeline_.model->vocabulary();
  size_ = static_cast<std::int64_t>(vocabulary.size());
  for (const auto& [id, token] : pipeline_.added.tokens()) {
    if (!vocabulary.find(token.content)) ++size_;
  }
}

void PipelineTokenizer::extract(std::string_view text, Pieces& pieces) const {
  const AlignedText& whole = pieces.add_text(text, std::size_t{0});
  std::vector<AddedMatch> matches;
  std::vector<AddedMatch> inner;
  pipeline_.added.find(text, false, matches);
  for (const AddedMatch& match : matches) {
    if (match.id) {
      pieces.add({&whole, match.begin, match.end, match.id});
      continue;
    }
    const AlignedText* part = &whole;
    std::size_t begin = match.begin;
    std::size_t end = match.end;
    if (pipeline_.normalizer != nullptr) {
      AlignedText& normalized = pieces.add_text(whole, begin, end);
      pipeline_.normalizer->apply(normalized);
      part = &normalized;
      begin = 0;
      end = normalized.text().size();
    }
    if (!pipeline_.added.any(true)) {
      pieces.add({part, begin, end, std::nullopt});
      continue;
    }
    pipeline_.added.find(part->text().substr(begin, end - begin), true, inner);
    for (const AddedMatch& found : inner)
      pieces.add({part, begin + found.begin, begin + found.end, found.id});
  }
}

std::vector<Token> PipelineTokenizer::run_model(const Pieces& pieces) const {
  std::vector<Token> tokens;
  std::vector<PieceToken> parts;
  Bpe::Session session(*pipeline_.model);
  for (const Piece& piece : pieces.list()) {
    if (piece.added) {
      ByteRange origin = piece.source->origin(piece.begin, piece.end);
      tokens.push_back({*piece.added, origin.begin, origin.end});
      continue;
    }
    parts.clear();
    session.tokenize(piece.text(), parts);
    std::size_t begin = piece.begin;
    for (const PieceToken& part : parts) {
      ByteRange origin = piece.source->origin(begin, begin + part.length);
      tokens.push_back({part.id, origin.begin, origin.end});
      begin += part.length;
    }
  }
  return tokens;
}

std::vector<Token> PipelineTokenizer::tokenize(std::string_view text, bool add_special_tokens) const {
  if (text.size() > std::numeric_limits<std::uint32_t>::max() / 4) {
    throw Error(ErrorKind::kInput, "tokenizer", fmt::format("a text of {} bytes is too long", text.size()));
  }
  ValidText valid(text);
  Pieces pieces;
  extract(valid.text(), pieces);
  if (pipeline_.pre_tokenizer != nullptr) pipeline_.pre_tokenizer->apply(pieces);
  std::vector<Token> tokens = run_model(pieces);
  pipeline_.post_processor.apply(tokens, valid.text(), add_special_tokens,
                                 [this](std::int32_t id) { return spelling(id).value_or(""); });
  for (Token& token : tokens) {
    token.begin = valid.original_offset(token.begin);
    token.end = valid.original_offset(token.end);
  }
  return tokens;
}

std::string PipelineTokenizer::decode(std::span<const std::int32_t> ids, bool skip_special_tokens) const {
  std::string text = decode_verbatim(ids, skip_special_tokens);
  return pipeline_.clean_up_spaces ? lore::clean_up_spaces(std::move(text)) : text;
}

std::string PipelineTokenizer::decode_verbatim(std::span<const std::int32_t> ids,
                                               bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (std::int32_t id : ids) {
    auto token = spelling(id);
    if (!token || (skip_special_tokens && pipeline_.added.is_special(*token))) continue;
    tokens.emplace_back(*token);
  }
  if (pipeline_.decoder != nullptr) pipeline_.decoder->apply(tokens);
  std::string text;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && pipeline_.decoder == nullptr) text += ' ';
    text += tokens[i];
  }
  return text;
}

std::optional<std::string_view> PipelineTokenizer::spelling(std::int32_t id) const {
  if (const AddedToken* added = pipeline_.added.token(id)) return added->content;
  return pipeline_.model->vocabulary().token(id);
}

std::optional<std::int32_t> PipelineTokenizer::id_of(std::string_view token) const {
  auto id = pipeline_.added.find_id(token);
  return id ? id : pipeline_.model->vocabulary().find(token);
}

std::string PipelineTokenizer::token_of(std::int32_t id) const {
  auto token = spelling(id);
  if (!token)
    throw Error(ErrorKind::kInput, "tokenizer", fmt::format("there is no token with the id {}", id));
  return std::string(*token);
}

bool PipelineTokenizer::is_special(std::int32_t id) const {
  auto token = spelling(id);
  return token && pipeline_.added.is_special(*token);
}

bool PipelineTokenizer::is_open(std::int32_t id) const {
  auto token = spelling(id);
  return !token || (pipeline_.decoder != nullptr && pipeline_.decoder->joins(*token));
}

}  // namespace lore
