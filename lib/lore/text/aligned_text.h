#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lore {

/// A range of byte offsets.
struct ByteRange {
  std::size_t begin;
  std::size_t end;
};

/// One character of a transformed text and how it came about: 0 when it replaces the next character of the
/// old text, 1 when it is inserted, -N when it replaces one and the N after that are removed.
struct TextChange {
  char32_t character;
  int change;
};

/// A piece of the original text as normalizers changed it, where each byte remembers the range of the
/// original it stems from. Valid UTF-8. A verbatim piece costs no memory; the text it views must outlive it.
///
/// The alignment rules are those of `NormalizedString` in Hugging Face's tokenizers.
class AlignedText {
 public:
  /// Verbatim: `text` lies at byte `begin` of the original.
  AlignedText(std::string_view text, std::size_t begin) : view_(text), shift_(begin) {}
  /// Bytes [begin, end) of `other`, which must outlive this.
  AlignedText(const AlignedText& other, std::size_t begin, std::size_t end);
  AlignedText(const AlignedText&) = delete;
  AlignedText& operator=(const AlignedText&) = delete;

  std::string_view text() const { return verbatim_ ? view_ : std::string_view(storage_); }
  /// Where bytes [begin, end) come from; widened to whole characters. REQUIRES begin < end.
  ByteRange origin(std::size_t begin, std::size_t end) const;

  /// Replaces the whole text, after its first `removed` characters were dropped.
  void transform(std::span<const TextChange> changes, std::size_t removed);
  /// Puts `prefix` in front, aligned with the first character. Does nothing to an empty text.
  void prepend(std::string_view prefix);
  /// Replaces each of the ascending, disjoint `ranges` by `content`, aligned with the last character
  /// replaced.
  void replace(std::span<const ByteRange> ranges, std::string_view content);
  /// Drops everything but bytes [begin, end).
  void keep(std::size_t begin, std::size_t end);
  /// Replaces each byte by the character that byte-level vocabularies use for it.
  void map_bytes();

 private:
  /// The alignment of an inserted character that follows the byte before `offset`.
  ByteRange inserted_after(std::size_t offset) const;
  ByteRange byte_origin(std::size_t offset) const { return origin(offset, offset + 1); }
  void assign(std::string text, std::vector<ByteRange> origins);

  bool verbatim_ = true;
  std::string_view view_;
  std::string storage_;
  std::vector<ByteRange> origins_;  // of each byte of storage_
  std::size_t shift_;               // where the piece begins in the original
};

}  // namespace lore
