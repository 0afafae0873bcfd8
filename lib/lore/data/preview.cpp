#include "lore/data/preview.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "lore/data/batch.h"
#include "lore/text/tokenizer.h"
#include "lore/text/utf8.h"

namespace lore {
namespace {

/// Tokens decoded before a token to read it in its place: more than any decoder looks back.
constexpr std::size_t kContext = 16;
/// Tokens that can make one character of UTF-8.
constexpr std::size_t kMostParts = 4;

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

  /// The text that the tokens pushed since the last call add.
  std::string take() {
    std::string text = added();
    if (window_.size() > 2 * kContext) {
      window_.erase(window_.begin(), window_.end() - kContext);
      decoded_ = tokenizer_.decode(window_, false);
    }
    taken_ = decoded_;
    taken_tokens_ = window_.size();
    return text;
  }

 private:
  std::string added() const {
    std::string_view before = taken_;
    if (!decoded_.starts_with(before)) {
      // What stood for the beginning of a character may be the character now.
      while (before.ends_with(kReplacementCharacter)) {
        before.remove_suffix(kReplacementCharacter.size());
      }
    }
    if (!decoded_.starts_with(before)) {
      // A space before was cleaned up: the tokens are read alone.
      return tokenizer_.decode(std::span(window_).subspan(taken_tokens_), false);
    }
    return decoded_.substr(before.size());
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
  TokenReader reader(tokenizer);
  for (std::size_t begin = 0, end = 0; begin < count; begin = end) {
    do {
      reader.push(tokens[end++].id);
    } while (reader.ends_within_character() && end < count && end - begin < kMostParts &&
             !tokens[end].special && tokens[end].trained == tokens[begin].trained);
    const std::string text = reader.take();
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
