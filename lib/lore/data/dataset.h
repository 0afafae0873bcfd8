#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lore/data/example.h"
#include "lore/data/source_counts.h"
#include "lore/data/token_cache.h"

namespace lore {

/// One of the files that a source was read from.
struct DataFile {
  std::string path;
  std::string sha256;
};

/// A row that was left out of a data set after it was tokenized.
struct LeftOutRow {
  std::string source;
  std::string why;
};

/// All examples of a list of sources, in the order of the sources and their rows: a view over memory-mapped
/// caches, in which some rows may be left out.
class Dataset {
 public:
  /// Adds the examples of one source.
  void append(std::shared_ptr<const TokenCache> cache, SourceCounts counts);

  std::int64_t count() const { return static_cast<std::int64_t>(chosen_.size()); }
  /// Valid as long as the data set. Throws: Error kInput when the cache was damaged since it was opened.
  ExampleView view(std::int64_t i) const;
  /// Tokens of each example.
  std::vector<std::int64_t> lengths() const;
  std::int64_t tokens() const;
  std::int64_t trained_tokens() const;
  /// The largest token id in any of the sources, -1 where there is none.
  std::int32_t largest_id() const;

  const std::vector<SourceCounts>& sources() const { return sources_; }
  std::vector<SourceCounts>& sources() { return sources_; }
  const std::vector<std::shared_ptr<const TokenCache>>& caches() const { return caches_; }

  /// The rows that the examples come from, ascending: numbers within this data set and what was taken out of
  /// it.
  std::vector<std::int64_t> rows() const;
  /// Those that come from one row of a file lie in one group: the first of each group, as a place in `rows`.
  std::vector<std::size_t> groups(std::span<const std::int64_t> rows) const;
  /// "file:line" of a row.
  std::string row_source(std::int64_t row) const;
  /// The source, as a place in `sources`, that a row belongs to.
  std::size_t source_of_row(std::int64_t row) const { return locate_row(row).first; }
  /// The signatures of `rows`, as long as these and the data set live. REQUIRES that the sources were
  /// tokenized with signatures.
  SignatureList signatures(std::span<const std::int64_t> rows) const;

  /// Moves the examples of `rows` (ascending) into the data set that is returned. A row of a file of which
  /// nothing is left counts under `counter`.
  Dataset take_out(std::span<const std::int64_t> rows, std::int64_t SourceCounts::*counter);

  std::vector<DataFile> files;
  std::vector<LeftOutRow> left_out;

 private:
  std::pair<std::size_t, std::int64_t> locate(std::int64_t example) const;
  std::pair<std::size_t, std::int64_t> locate_row(std::int64_t row) const;
  bool same_file_row(std::int64_t row, std::int64_t other) const;
  std::int64_t row_of(std::int64_t i) const;
  void count_examples(std::int64_t SourceCounts::*counter);

  std::vector<std::shared_ptr<const TokenCache>> caches_;
  std::vector<std::int64_t> first_example_;  ///< of each cache
  std::vector<std::int64_t> first_row_;
  std::vector<std::uint32_t> chosen_;  ///< numbers of examples over all caches
  std::vector<SourceCounts> sources_;
};

/// Moves a random `fraction` of the rows (rounded to the nearest number, at least one, in the order they had)
/// out of `dataset` and returns them; all that was made of one row stays together. A pure function of the
/// number of rows and of `seed`. Throws: Error kUsage when the fraction is not within (0, 1) or leaves one
/// side empty.
Dataset split_validation(Dataset& dataset, double fraction, std::uint64_t seed);

}  // namespace lore
