#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lore/text/vocabulary.h"

namespace lore {

/// A token that is cut from the text before the model sees it. Flags as in tokenizer.json's added_tokens.
struct AddedToken {
  std::string content;
  bool single_word = false;  ///< only between non-word characters
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< and after it
  bool normalized = true;    ///< found in the normalized text, itself normalized
  bool special = false;      ///< left out by decode(..., skip_special_tokens)
  bool operator==(const AddedToken&) const = default;
};

/// A stretch of text, and the added token it is.
struct AddedMatch {
  std::optional<std::int32_t> id;
  std::size_t begin;
  std::size_t end;
};

/// Finds the leftmost of several texts, the longest of those that begin together.
class LiteralMatcher {
 public:
  /// Of equal texts the first counts; an empty one is never found.
  explicit LiteralMatcher(const std::vector<std::string>& texts);

  struct Match {
    std::size_t begin;
    std::size_t end;
    std::size_t index;  // into the texts
  };
  std::optional<Match> find(std::string_view text, std::size_t from) const;

 private:
  struct Node {
    std::map<char, std::size_t> children;
    std::optional<std::size_t> index;
  };
  std::vector<Node> nodes_;
  std::array<bool, 256> starts_{};
};

/// The tokens added on top of a model's vocabulary: `AddedVocabulary` of Hugging Face's tokenizers.
class AddedTokens {
 public:
  using Normalize = std::function<std::string(std::string_view)>;

  /// Adds `tokens`. A token the model knows keeps its id, another gets the next free one; a known token with
  /// other flags takes the new flags.
  void add(std::span<const AddedToken> tokens, const Vocabulary& vocabulary);
  /// Prepares matching. `normalize` brings a token's text to the form of the normalized text.
  void build(const Normalize& normalize);

  /// Cuts `text` into tokens and stretches between them. `normalized` chooses the tokens to look for.
  void find(std::string_view text, bool normalized, std::vector<AddedMatch>& matches) const;
  /// True when there are tokens of that kind at all.
  bool any(bool normalized) const { return !(normalized ? normalized_ : raw_).ids.empty(); }

  std::optional<std::int32_t> find_id(std::string_view content) const;
  const AddedToken* token(std::int32_t id) const;
  bool is_special(std::string_view content) const { return special_.find(content) != special_.end(); }
  /// By id.
  const std::map<std::int32_t, AddedToken>& tokens() const { return by_id_; }

 private:
  struct Kind {
    std::optional<LiteralMatcher> matcher;
    std::vector<std::int32_t> ids;
  };

  std::map<std::string, std::int32_t, std::less<>> ids_;
  std::map<std::int32_t, AddedToken> by_id_;
  std::set<std::string, std::less<>> special_;
  std::vector<AddedToken> special_order_;  // with the flags they were first added with
  std::vector<AddedToken> other_order_;
  Kind raw_;
  Kind normalized_;
};

}  // namespace lore
