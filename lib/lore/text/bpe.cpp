#include "lore/text/bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <span>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/utf8.h"
#include "lore/text/byte_alphabet.h"

namespace lore {

namespace {

/// What stands for a space in sentencepiece's vocabularies.
constexpr std::string_view kSpaceMarker = "\u2581";

/// Where the word at `begin`, space markers and what follows them, ends.
std::size_t next_word(std::string_view text, std::size_t begin) {
  std::size_t at = begin;
  while (text.substr(at, kSpaceMarker.size()) == kSpaceMarker) at += kSpaceMarker.size();
  return std::min(text.find(kSpaceMarker, at), text.size());
}

}  // namespace

/// The tokens of the pieces seen so far; forgets everything when it is full.
class PieceCache {
 public:
  /// Nothing when `piece` is not there.
  std::optional<std::span<const PieceToken>> tokens_of(std::string_view piece, std::uint64_t hash) const {
    if (slots_.empty()) return std::nullopt;
    for (std::size_t at = hash & kMask;; at = (at + 1) & kMask) {
      const Slot& slot = slots_[at];
      if (slot.length == 0) return std::nullopt;
      if (slot.hash == hash && std::string_view(keys_).substr(slot.key, slot.length) == piece) {
        return std::span(tokens_).subspan(slot.tokens, slot.count);
      }
    }
  }

  void remember(std::string_view piece, std::uint64_t hash, const std::vector<PieceToken>& tokens) {
    if (slots_.empty() || used_ == kMostPieces) {
      slots_.assign(kSlots, Slot{});
      keys_.clear();
      tokens_.clear();
      used_ = 0;
    }
    std::size_t at = hash & kMask;
    while (slots_[at].length != 0) at = (at + 1) & kMask;
    slots_[at] = {hash, static_cast<std::uint32_t>(keys_.size()), static_cast<std::uint32_t>(tokens_.size()),
                  static_cast<std::uint16_t>(piece.size()), static_cast<std::uint16_t>(tokens.size())};
    keys_ += piece;
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    ++used_;
  }

  static constexpr std::size_t kLongestPiece = 128;

 private:
  static constexpr std::size_t kSlots = 1 << 16;
  static constexpr std::size_t kMask = kSlots - 1;
  static constexpr std::size_t kMostPieces = kSlots / 2;

  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t key = 0;
    std::uint32_t tokens = 0;
    std::uint16_t length = 0;  // 0 when free
    std::uint16_t count = 0;
  };

  std::vector<Slot> slots_;
  std::string keys_;
  std::vector<PieceToken> tokens_;
  std::size_t used_ = 0;
};

Bpe::Bpe(Vocabulary vocabulary, MergeTable merges, BpeOptions options)
    : vocabulary_(std::move(vocabulary)), merges_(std::move(merges)), options_(std::move(options)) {
  if (options_.unk_token) {
    unk_ = vocabulary_.find(*options_.unk_token);
    if (!unk_) {
      throw Error(ErrorKind::kInput, "unk_token",
                  fmt::format("\"{}\" is not in the vocabulary", *options_.unk_token));
    }
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    char raw = static_cast<char>(byte);
    std::string token = options_.bytes ? spell_bytes({&raw, 1}) : fmt::format("<0x{:02X}>", byte);
    byte_ids_[byte] = vocabulary_.find(token).value_or(-1);
  }
  first_part_id_ = vocabulary_.largest_id() + 1;
  cuts_words_ = !options_.bytes && !options_.ignore_merges && words_stay_apart();
}

Bpe::~Bpe() = default;

bool Bpe::words_stay_apart() const {
  if (!vocabulary_.find(kSpaceMarker)) return false;
  for (std::int32_t id = 0; id <= vocabulary_.largest_id(); ++id) {
    std::string_view token = vocabulary_.token(id).value_or("");
    if (next_word(token, 0) != token.size()) return false;
  }
  return true;
}

std::optional<std::int32_t> Bpe::whole_token(std::string_view piece) const {
  return vocabulary_.find(options_.bytes ? spell_bytes(piece) : std::string(piece));
}

bool Bpe::append_bytes(std::string_view character, std::vector<PieceToken>& word) const {
  for (char byte : character) {
    if (byte_ids_[static_cast<unsigned char>(byte)] < 0) return false;
  }
  for (char byte : character) word.push_back({byte_ids_[static_cast<unsigned char>(byte)], 1});
  return true;
}

void Bpe::append_character(std::string_view character, std::optional<PieceToken>& unknown,
                           std::vector<PieceToken>& word) const {
  auto length = static_cast<std::uint32_t>(character.size());
  std::optional<std::int32_t> id = vocabulary_.find(character);
  if (!id && !options_.part_ids.empty()) {
    auto part = options_.part_ids.find(character);
    if (part != options_.part_ids.end()) id = part->second;
  }
  if (id) {
    if (unknown) word.push_back(*unknown);
    unknown.reset();
    word.push_back({*id, length});
    return;
  }
  if (options_.byte_fallback && append_bytes(character, word)) return;
  if (!unk_) return;
  if (unknown && options_.fuse_unk) {
    unknown->length += length;
    return;
  }
  if (unknown) word.push_back(*unknown);
  unknown = PieceToken{*unk_, length};
}

void Bpe::split(std::string_view piece, std::vector<PieceToken>& word) const {
  word.clear();
  if (options_.bytes) {
    for (char byte : piece) word.push_back({byte_ids_[static_cast<unsigned char>(byte)], 1});
    merges_.apply(word);
    return;
  }
  std::optional<PieceToken> unknown;
  for (std::size_t begin = 0, end = 0; begin < piece.size(); begin = end) {
    next_character(piece, end);
    append_character(piece.substr(begin, end - begin), unknown, word);
  }
  if (unknown) word.push_back(*unknown);
  merges_.apply(word);
  if (!options_.part_ids.empty()) replace_parts(piece, word);
}

void Bpe::replace_parts(std::string_view piece, std::vector<PieceToken>& word) const {
  std::vector<PieceToken> whole;
  std::size_t begin = 0;
  for (const PieceToken& token : word) {
    if (token.id < first_part_id_) {
      whole.push_back(token);
    } else if (!append_bytes(piece.substr(begin, token.length), whole) && unk_) {
      whole.push_back({*unk_, token.length});
    }
    begin += token.length;
  }
  word = std::move(whole);
}

Bpe::Session::Session(const Bpe& bpe) : bpe_(bpe) {
  std::lock_guard lock(bpe_.mutex_);
  if (bpe_.idle_caches_.empty()) {
    cache_ = std::make_unique<PieceCache>();
  } else {
    cache_ = std::move(bpe_.idle_caches_.back());
    bpe_.idle_caches_.pop_back();
  }
}

Bpe::Session::~Session() {
  std::lock_guard lock(bpe_.mutex_);
  bpe_.idle_caches_.push_back(std::move(cache_));
}

void Bpe::Session::tokenize(std::string_view piece, std::vector<PieceToken>& tokens) {
  if (!bpe_.cuts_words_) {
    tokenize_word(piece, tokens);
    return;
  }
  for (std::size_t begin = 0; begin < piece.size();) {
    std::size_t end = next_word(piece, begin);
    tokenize_word(piece.substr(begin, end - begin), tokens);
    begin = end;
  }
}

void Bpe::Session::tokenize_word(std::string_view piece, std::vector<PieceToken>& tokens) {
  bool cached = piece.size() <= PieceCache::kLongestPiece;
  std::uint64_t hash = cached ? hash_bytes(piece) : 0;
  if (cached) {
    if (auto known = cache_->tokens_of(piece, hash)) {
      tokens.insert(tokens.end(), known->begin(), known->end());
      return;
    }
  }
  std::optional<std::int32_t> whole;
  if (bpe_.options_.ignore_merges) whole = bpe_.whole_token(piece);
  if (whole) {
    word_.assign(1, {*whole, static_cast<std::uint32_t>(piece.size())});
  } else {
    bpe_.split(piece, word_);
  }
  tokens.insert(tokens.end(), word_.begin(), word_.end());
  if (cached) cache_->remember(piece, hash, word_);
}

}  // namespace lore
