#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lore/corpus/row.h"

namespace lore {

/// What a row says in a fixed size, to compare it with millions of others: plain bytes, which may be kept in
/// a file. Made by `row_signature`.
struct RowSignature {
  static constexpr std::size_t kBands = 20;
  static constexpr std::size_t kBins = 512;

  /// Of the folded text: equal for exact duplicates. Zero for a row without text, which is like no other.
  std::array<std::uint64_t, 2> exact{};
  /// Of the row's source: what was made of one row (of one glossary term) is not compared but exactly.
  std::uint64_t origin = 0;
  /// Four bits a bin of a one-permutation MinHash over the 5-grams; 0 where the bin is empty.
  std::array<std::uint64_t, kBins / 16> sketch{};
  /// Keys of locality-sensitive hashing: rows alike share one of them at least.
  std::array<std::uint32_t, kBands> bands{};
  /// How many 5-grams the text has; 0 where it is too short to be compared but exactly.
  std::uint32_t shingles = 0;
  std::uint32_t unused = 0;

  bool operator==(const RowSignature&) const = default;
};

/// Signatures where they lie, in memory or in mapped files, seen as one list.
class SignatureList {
 public:
  /// All of `signatures`.
  explicit SignatureList(std::span<const RowSignature> signatures);
  /// Those of `rows`, ascending numbers over all `parts` one after another. `rows` outlives the list.
  SignatureList(std::vector<std::span<const RowSignature>> parts, std::span<const std::int64_t> rows);

  std::size_t size() const { return size_; }
  const RowSignature& operator[](std::size_t i) const;

 private:
  std::vector<std::span<const RowSignature>> parts_;
  std::vector<std::int64_t> starts_;  ///< the first row of each part
  std::span<const std::int64_t> rows_;
  std::size_t size_;
};

/// The text of a row by which it is a duplicate: what user, assistant and tools say in `messages`, with the
/// arguments of tool calls; `prompt` and `completion`; `text`. The system's messages are left out, as they
/// repeat from row to row. Each part ends with a line feed.
std::string compared_text(const nlohmann::ordered_json& row);

/// REQUIRES a row as RowForm gives it.
RowSignature row_signature(const Row& row);

/// Similarity of two rows: the Jaccard index of their sets of 5-grams of characters, of the folded text,
/// estimated with a standard error of 0.017 at 0.85. 0 where either is too short to be compared.
double similarity(const RowSignature& a, const RowSignature& b);

/// Rows at least this similar are near duplicates.
inline constexpr double kNearDuplicate = 0.785;

/// A row that says the same as another.
struct DuplicatePair {
  std::uint32_t row;
  std::uint32_t other;  ///< an earlier row; of `find_leaks` a row of validation
  float similarity;     ///< 1 for an exact duplicate
  bool exact;

  bool operator==(const DuplicatePair&) const = default;
};

/// For each row that says the same as an earlier one, that row: the first exact duplicate, else a near one.
/// In ascending order of `row`; a pure function of the signatures.
///
/// Needs 13 bytes a row and 16 a pair: the bands are gone through one after another. A row is compared with
/// the latest 128 rows of each of its 20 bands, so that a near duplicate can be missed where more rows than
/// that are alike in a band without being duplicates. Throws: Error kUsage for 2^32 - 1 rows or more.
std::vector<DuplicatePair> find_duplicates(const SignatureList& rows);

/// For each row of `training` that says the same as one of `validation`, that row, likewise.
std::vector<DuplicatePair> find_leaks(const SignatureList& training, const SignatureList& validation);

}  // namespace lore
