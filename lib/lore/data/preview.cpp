#include "lore/data/preview.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lore/core/utf8.h"
#include "lore/data/batch.h"
#include "lore/text/tokenizer.h"

namespace lore {
namespace {

/// Tokens decoded before a token to read it in its place: more than any decoder looks back.
constexpr std::size_t kContext = 16;
/// Where no good place to cut is found: decoding a window for each token takes time.
constexpr std::size_t kMostContext = 1024;
/// Tokens that are given one text together: those of a character, or of several that lie across tokens.
constexpr std::size_t kMostParts = 8;

/// `text` without what may stand for a character that later tokens finish: up to three bytes of it.
std::string_view without_unfinished_character(std::string_view text) {
  for (int bytes = 0; bytes < 3 && text.ends_with(kReplacementCharacter); ++bytes) {
    text.remove_suffix(kReplacementCharacter.size());
  }
  return text;
}

/// Reads tokens one after another. What a token adds is found by decoding it behind those before it: a
/// decoder may drop the space of a first word, and a character may take several tokens.
class TokenReader {
 public:
  explicit TokenReader(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void push(std::int32_t id) {
    window_.push_back(id);
    decoded_ = tokenizer_.decode(window_, false);
  }

  bool ends_within_character() const { return decoded_.ends_with(kReplacementCharacter); }

  /// The text that the tokens pushed since the last call add; with `finished`, that of finished characters
  /// alone.
  std::string take(bool finished) {
    const std::string_view settled =
        finished ? without_unfinished_character(decoded_) : std::string_view(decoded_);
    std::string text = added(settled);
    taken_ = settled;
    shorten();
    taken_tokens_ = window_.size();
    return text;
  }

 private:
  std::string added(std::string_view settled) const {
    std::string_view before = taken_;
    if (!settled.starts_with(before)) {
      // What stood for the beginning of a character may be the character now.
      before = without_unfinished_character(before);
    }
    if (!settled.starts_with(before)) {
      // A space before was cleaned up: the tokens are read alone.
      return tokenizer_.decode(std::span(window_).subspan(taken_tokens_), false);
    }
    return std::string(settled.substr(before.size()));
  }

  /// Forgets tokens that lie far back, unless the others read differently without them.
  void shorten() {
    if (window_.size() <= 2 * kContext) {
      return;
    }
    std::vector<std::int32_t> kept(window_.end() - kContext, window_.end());
    std::string decoded = tokenizer_.decode(kept, false);
    const bool reads_the_same = !decoded.empty() && decoded_.ends_with(decoded);
    if (reads_the_same || window_.size() > kMostContext) {
      const std::size_t pending = decoded_.size() - std::min(decoded_.size(), taken_.size());
      taken_ = decoded.substr(0, decoded.size() - std::min(decoded.size(), pending));
      window_ = std::move(kept);
      decoded_ = std::move(decoded);
    }
  }

  const Tokenizer& tokenizer_;
  std::vector<std::int32_t> window_;
  std::string decoded_;
  std::string taken_;
  std::size_t taken_tokens_ = 0;
};

}  // namespace

std::vector<TokenText> token_texts(const ExampleView& example, const Tokenizer& tokenizer) {
  const std::size_t count = example.ids.size();
  std::vector<TokenText> tokens(count);
  for (std::size_t i = 0; i < count; ++i) {
    tokens[i].id = example.ids[i];
    tokens[i].trained = example.trained[i] != 0;
    tokens[i].special = tokenizer.is_special(example.ids[i]);
  }
  // No character lies across a special token or the border of a trained part.
  const auto goes_on = [&](std::size_t i) {
    return i < count && !tokens[i].special && tokens[i].trained == tokens[i - 1].trained;
  };
  TokenReader reader(tokenizer);
  for (std::size_t begin = 0, end = 0; begin < count; begin = end) {
    do {
      reader.push(tokens[end++].id);
    } while (reader.ends_within_character() && goes_on(end) && end - begin < kMostParts);
    const std::string text = reader.take(goes_on(end));
    for (std::size_t i = begin; i < end; ++i) {
      tokens[i].text = text;
      tokens[i].part = i - begin + 1;
      tokens[i].parts = end - begin;
    }
  }
  return tokens;
}

nlohmann::ordered_json preview_json(const ExampleView& example, const Tokenizer& tokenizer) {
  std::vector<std::int32_t> labels(example.ids.size(), kNoLabel);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = example.trained[i] != 0 ? example.ids[i] : kNoLabel;
  }
  return {{"source", example.source},
          {"input_ids", example.ids},
          {"labels", labels},
          {"text", tokenizer.decode(example.ids, false)}};
}

}  // namespace lore
