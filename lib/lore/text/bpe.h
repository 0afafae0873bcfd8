#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lore/text/merge_table.h"
#include "lore/text/vocabulary.h"

namespace lore {

/// A token of a piece: its id and how many bytes of the piece it covers.
struct PieceToken {
  std::int32_t id;
  std::uint32_t length;
};

class PieceCache;

/// The settings of a BPE model, named as in tokenizer.json.
struct BpeOptions {
  bool ignore_merges = false;  ///< a piece that is a token stays whole
  bool byte_fallback = false;  ///< a character that is no token becomes its bytes, written <0xHH>
  bool fuse_unk = false;       ///< neighbouring unknown characters become one unknown token
  std::optional<std::string> unk_token;
  /// Pieces are plain bytes, to be read as if `byte_character` had replaced each of them.
  bool bytes = false;
  /// Characters that are no tokens but parts of some, with ids of their own that merges may use; what is left
  /// of them after merging becomes bytes. This is sentencepiece's order; `byte_fallback` alone is
  /// tokenizer.json's.
  std::map<std::string, std::int32_t, std::less<>> part_ids;
};

/// Byte pair encoding: the pair of neighbouring tokens with the lowest rank is merged first, leftmost first.
/// Source: Sennrich et al., arXiv:1508.07909; details as in Hugging Face's tokenizers.
/// Safe to use from several threads at once.
class Bpe {
 public:
  /// Throws: Error kInput when `unk_token` is no token.
  Bpe(Vocabulary vocabulary, MergeTable merges, BpeOptions options);
  ~Bpe();
  Bpe(const Bpe&) = delete;
  Bpe& operator=(const Bpe&) = delete;

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const BpeOptions& options() const { return options_; }

  /// One caller's use of the model: pieces it has seen are remembered, and returned to the model with it.
  class Session {
   public:
    explicit Session(const Bpe& bpe);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Appends the tokens of `piece`, which is not empty.
    void tokenize(std::string_view piece, std::vector<PieceToken>& tokens);

   private:
    void tokenize_word(std::string_view word, std::vector<PieceToken>& tokens);

    const Bpe& bpe_;
    std::unique_ptr<PieceCache> cache_;
    std::vector<PieceToken> word_;
  };

 private:
  std::optional<std::int32_t> whole_token(std::string_view piece) const;
  /// True when no token holds a space marker after another character, so that none reaches over the border
  /// before a word.
  bool words_stay_apart() const;
  void split(std::string_view piece, std::vector<PieceToken>& word) const;
  void append_character(std::string_view character, std::optional<PieceToken>& unknown,
                        std::vector<PieceToken>& word) const;
  bool append_bytes(std::string_view character, std::vector<PieceToken>& word) const;
  void replace_parts(std::string_view piece, std::vector<PieceToken>& word) const;

  Vocabulary vocabulary_;
  MergeTable merges_;
  BpeOptions options_;
  std::optional<std::int32_t> unk_;
  std::array<std::int32_t, 256> byte_ids_{};  // of <0xHH>, or of the byte's character; -1 where missing
  std::int32_t first_part_id_;
  bool cuts_words_;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<PieceCache>> idle_caches_;
};

}  // namespace lore
