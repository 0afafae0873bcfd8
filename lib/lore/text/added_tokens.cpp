#include "lore/text/added_tokens.h"

#include <algorithm>

#include "lore/core/utf8.h"
#include "lore/text/unicode.h"

namespace lore {
namespace {

/// Where the character before `position` begins.
std::size_t previous_character(std::string_view text, std::size_t position) {
  do {
    --position;
  } while (position > 0 && is_utf8_continuation(text[position]));
  return position;
}

bool word_before(std::string_view text, std::size_t position) {
  if (position == 0) return false;
  std::size_t at = previous_character(text, position);
  return is_word_character(next_character(text, at));
}

bool word_at(std::string_view text, std::size_t position) {
  return position < text.size() && is_word_character(next_character(text, position));
}

std::size_t skip_space_before(std::string_view text, std::size_t position) {
  while (position > 0) {
    std::size_t begin = previous_character(text, position);
    std::size_t at = begin;
    if (!is_whitespace(next_character(text, at))) break;
    position = begin;
  }
  return position;
}

std::size_t skip_space_after(std::string_view text, std::size_t position) {
  while (position < text.size()) {
    std::size_t at = position;
    if (!is_whitespace(next_character(text, at))) break;
    position = at;
  }
  return position;
}

}  // namespace

LiteralMatcher::LiteralMatcher(const std::vector<std::string>& texts) : nodes_(1) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) continue;
    starts_[static_cast<unsigned char>(texts[i][0])] = true;
    std::size_t node = 0;
    for (char byte : texts[i]) {
      auto [child, is_new] = nodes_[node].children.try_emplace(byte, nodes_.size());
      node = child->second;
      if (is_new) nodes_.emplace_back();
    }
    if (!nodes_[node].index) nodes_[node].index = i;
  }
}

std::optional<LiteralMatcher::Match> LiteralMatcher::find(std::string_view text, std::size_t from) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (!starts_[static_cast<unsigned char>(text[begin])]) continue;
    std::optional<Match> longest;
    const Node* node = &nodes_[0];
    for (std::size_t end = begin; end < text.size();) {
      auto child = node->children.find(text[end++]);
      if (child == node->children.end()) break;
      node = &nodes_[child->second];
      if (node->index) longest = Match{begin, end, *node->index};
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

void AddedTokens::add(std::span<const AddedToken> tokens, const Vocabulary& vocabulary) {
  for (const AddedToken& token : tokens) {
    if (token.special && !token.content.empty() && special_.insert(token.content).second) {
      special_order_.push_back(token);
    }
  }
  auto model_size = static_cast<std::int32_t>(vocabulary.size());
  std::int32_t next = model_size;
  if (!by_id_.empty() && (by_id_.rbegin()->first >= model_size || model_size == 0)) {
    next = by_id_.rbegin()->first + 1;
  }
  for (const AddedToken& token : tokens) {
    if (token.content.empty()) continue;
    std::optional<std::int32_t> id = find_id(token.content);
    if (id && by_id_.at(*id) == token) continue;
    if (!id) id = vocabulary.find(token.content);
    if (!id) id = next++;
    ids_[token.content] = *id;
    by_id_[*id] = token;
    if (!is_special(token.content)) other_order_.push_back(token);
  }
}

void AddedTokens::build(const Normalize& normalize) {
  std::vector<std::string> raw_texts, normalized_texts;
  raw_.ids.clear();
  normalized_.ids.clear();
  for (const std::vector<AddedToken>* order : {&special_order_, &other_order_}) {
    for (const AddedToken& token : *order) {
      Kind& kind = token.normalized ? normalized_ : raw_;
      kind.ids.push_back(ids_.at(token.content));
      (token.normalized ? normalized_texts : raw_texts)
          .push_back(token.normalized ? normalize(token.content) : token.content);
    }
  }
  raw_.matcher.emplace(raw_texts);
  normalized_.matcher.emplace(normalized_texts);
}

void AddedTokens::find(std::string_view text, bool normalized, std::vector<AddedMatch>& matches) const {
  matches.clear();
  const Kind& kind = normalized ? normalized_ : raw_;
  std::size_t covered = 0;
  for (std::size_t from = 0; kind.matcher;) {
    auto match = kind.matcher->find(text, from);
    if (!match) break;
    from = match->end;
    std::int32_t id = kind.ids[match->index];
    const AddedToken& token = by_id_.at(id);
    if (token.single_word && (word_before(text, match->begin) || word_at(text, match->end))) continue;
    std::size_t begin = match->begin;
    std::size_t end = match->end;
    if (token.lstrip) begin = std::max(skip_space_before(text, begin), covered);
    if (token.rstrip) end = skip_space_after(text, end);
    if (covered < begin) matches.push_back({std::nullopt, covered, begin});
    matches.push_back({id, begin, end});
    covered = end;
  }
  if (covered < text.size()) matches.push_back({std::nullopt, covered, text.size()});
}

std::optional<std::int32_t> AddedTokens::find_id(std::string_view content) const {
  auto found = ids_.find(content);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const AddedToken* AddedTokens::token(std::int32_t id) const {
  auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

}  // namespace lore
