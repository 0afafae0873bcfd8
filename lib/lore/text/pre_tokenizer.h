#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lore/text/aligned_text.h"

namespace lore {

/// A stretch of a text; one that is an added token is left alone by pre-tokenizers and model.
struct Piece {
  const AlignedText* source;
  std::size_t begin;
  std::size_t end;
  std::optional<std::int32_t> added;

  std::string_view text() const { return source->text().substr(begin, end - begin); }
};

/// The pieces of one text and the rewritten texts they lie in. Empty pieces are dropped.
class Pieces {
 public:
  /// A text that lives as long as this.
  template <typename... Arguments>
  AlignedText& add_text(Arguments&&... arguments) {
    return texts_.emplace_back(std::forward<Arguments>(arguments)...);
  }

  void add(const Piece& piece) {
    if (piece.begin < piece.end) pieces_.push_back(piece);
  }
  const std::vector<Piece>& list() const { return pieces_; }
  /// Empties the list and hands it out.
  std::vector<Piece> take() { return std::exchange(pieces_, {}); }

 private:
  std::deque<AlignedText> texts_;
  std::vector<Piece> pieces_;
};

/// A step that splits pieces into smaller ones, as in tokenizer.json's `pre_tokenizer`.
class PreTokenizer {
 public:
  virtual ~PreTokenizer();
  /// Replaces the pieces that are no added tokens.
  virtual void apply(Pieces& pieces) const = 0;
};

/// A pre-tokenizer and whether, after it, bytes stand where ByteLevel would put a character for each.
struct PreTokenizerPlan {
  std::unique_ptr<const PreTokenizer> step;
  bool leaves_bytes = false;
};

/// Split, ByteLevel, Digits, Metaspace, Whitespace, WhitespaceSplit, Punctuation, CharDelimiterSplit or a
/// Sequence of them; no step for a JSON null. When `may_leave_bytes` and ByteLevel is the last step, bytes
/// are left as they are. Throws: Error kInput for another type or a wrong field.
PreTokenizerPlan make_pre_tokenizer(const nlohmann::json& description, const std::string& subject,
                                    bool may_leave_bytes);

}  // namespace lore
